import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

/** All that a standby needs at least as high as its primary (PostgreSQL manual, 27.4.3), in the order of their names. */
const sensitive = [
  'max_connections',
  'max_locks_per_transaction',
  'max_prepared_transactions',
  'max_wal_senders',
  'max_worker_processes',
] as const;

type Values = Readonly<Record<(typeof sensitive)[number], string>>;

const values = (connections: number, locks: number, prepared: number, senders: number, workers: number) =>
  Object.fromEntries(
    [connections, locks, prepared, senders, workers].map((value, at) => [sensitive[at], String(value)]),
  ) as Values;

test.runIf(hasReplication)(
  'less of all that standbys depend on: the primary first; more of it: the standbys first',
  async () => {
    const cluster = await Cluster.start({
      isSynchronous: true,
      parameters: values(50, 64, 20, 12, 10),
    });
    const writer = await Writer.start(cluster);

    const less = await change(cluster, values(30, 32, 5, 10, 8));
    for (const name of cluster.others('demo-1')) expect(less.get(name)).toBeGreaterThan(less.get('demo-1')!);
    const more = await change(cluster, values(60, 96, 30, 14, 12));
    for (const name of cluster.others('demo-1')) expect(more.get(name)).toBeLessThan(more.get('demo-1')!);

    const refusal = /insufficient parameter settings|lower value/;
    for (const name of cluster.names) {
      const refusals = cluster.of(name).lines.filter(({ record }) => refusal.test(record?.message ?? ''));
      expect(refusals).toEqual([]);
    }
    expect(await writer.conclude('less of what standbys depend on, then more', 'restart')).toEqual([]);
    expect((await cluster.status()).currentPrimary).toBe('demo-1');
  },
);

/** Sets the parameters at once, and waits until all have them. @returns when each instance was stopped to be started with them */
async function change(cluster: Cluster, wanted: Values): Promise<Map<string, number>> {
  const begun = Date.now();
  // A person saves the file once.
  await cluster.edit(['spec', 'postgresql', 'parameters'], {
    shared_buffers: '16MB',
    fsync: 'off',
    log_checkpoints: 'off',
    ...wanted,
  });
  const list = sensitive.map((name) => `'${name}'`).join();
  const query = `SELECT json_object_agg(name, setting ORDER BY name) FROM pg_settings WHERE name IN (${list})`;
  await cluster.eventually(`${JSON.stringify(wanted)} everywhere`, async () => {
    for (const name of cluster.names)
      if (JSON.stringify(await cluster.ask(name, query)) !== JSON.stringify(wanted)) return false;
    return true;
  });
  await cluster.healthy();
  const stops = new Map<string, number>();
  for (const name of cluster.names) {
    const times = cluster
      .of(name)
      .lines.filter(({ msg }) => msg === 'instance is stopping')
      .map(({ ts }) => Date.parse(String(ts)))
      .filter((at) => at >= begun);
    expect(times).toHaveLength(1);
    stops.set(name, times[0]!);
  }
  return stops;
}
