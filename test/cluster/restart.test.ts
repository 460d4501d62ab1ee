import { expect, test } from 'vitest';
import { clusterPhase } from '../../src/cluster/status.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)(
  'the phase of a restart in place restarts the primary, once, and nothing else',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    const before = await startTimes(cluster);
    await cluster.editStatus((status) => ({ ...status, phase: clusterPhase.restartInPlace }));
    await cluster.eventually('the phase to be over', async () => {
      const { phase, phaseReason } = await cluster.status();
      return phase === clusterPhase.healthy && phaseReason === 'Primary instance restarted in-place';
    });
    // Whoever reads that it is over may write.
    expect(await cluster.query('demo-1', 'SELECT NOT pg_is_in_recovery()')).toBe(true);
    await writer.more('demo-1');
    expect(await writer.conclude('restart in place', 'restart')).toEqual([]);

    const after = await startTimes(cluster);
    expect(after.get('demo-1')).not.toBe(before.get('demo-1'));
    for (const name of cluster.others('demo-1')) expect(after.get(name)).toBe(before.get(name));
    expect(stopsOf(cluster, 'demo-1')).toHaveLength(1);
    expect(await cluster.status()).toMatchObject({ currentPrimary: 'demo-1', timelineID: 1 });
  },
);

test.runIf(hasReplication)(
  'fewer connections and more workers at once: everybody restarts once, the primary first',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    const parameters = ['spec', 'postgresql', 'parameters'];
    const wanted = { max_connections: '30', max_worker_processes: '12' };
    await cluster.edit(parameters, {
      shared_buffers: '16MB',
      fsync: 'off',
      log_checkpoints: 'off',
      ...wanted,
    });
    const query = `SELECT current_setting('max_connections') || ' ' || current_setting('max_worker_processes')`;
    await cluster.eventually('the new values everywhere', async () => {
      for (const name of cluster.names) if ((await cluster.ask(name, query)) !== '30 12') return false;
      return true;
    });
    await writer.more('demo-1');
    expect(await writer.conclude('fewer connections and more workers', 'restart')).toEqual([]);

    const [first] = stopsOf(cluster, 'demo-1');
    for (const name of cluster.names) {
      const stops = stopsOf(cluster, name);
      expect(stops).toHaveLength(1);
      if (name !== 'demo-1') expect(stops[0]).toBeGreaterThan(first!);
      // A standby may have to wait for its restart with what is to be replayed, but none fails to start.
      const failures = cluster
        .of(name)
        .lines.filter(({ record }) => /lower (value|setting)|aborting startup/.test(record?.message ?? ''))
        .filter(({ record }) => record?.error_severity === 'FATAL');
      expect(failures).toEqual([]);
    }
    expect((await cluster.status()).currentPrimary).toBe('demo-1');
  },
);

async function startTimes(cluster: Cluster): Promise<ReadonlyMap<string, unknown>> {
  const times = new Map<string, unknown>();
  for (const name of cluster.names)
    times.set(name, await cluster.query(name, 'SELECT pg_postmaster_start_time()::text'));
  return times;
}

/** When the server of an instance was stopped. */
function stopsOf(cluster: Cluster, name: string): number[] {
  return cluster
    .of(name)
    .lines.filter(({ msg }) => msg === 'instance is stopping')
    .map(({ ts }) => Date.parse(String(ts)));
}
