import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

const path = ['spec', 'postgresql', 'parameters', 'max_connections'];

test.runIf(hasReplication)('fewer connections: the primary first; more: the standbys first', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  for (const [value, isPrimaryFirst] of [
    ['30', true],
    ['60', false],
  ] as const) {
    const before = await startTimes(cluster);
    await cluster.edit(path, value);
    await cluster.eventually(`max_connections ${value} everywhere`, async () => {
      for (const name of cluster.names)
        if ((await cluster.ask(name, 'SHOW max_connections')) !== value) return false;
      return true;
    });
    await cluster.healthy();
    const after = await startTimes(cluster);
    for (const name of cluster.names) expect(after.get(name)).toBeGreaterThan(before.get(name)!);
    const primary = after.get('demo-1')!;
    for (const name of cluster.others('demo-1')) expect(primary < after.get(name)!).toBe(isPrimaryFirst);
  }
  for (const name of cluster.names) {
    const refusals = cluster
      .of(name)
      .lines.filter(({ record }) => /insufficient parameter|lower value/.test(record?.message ?? ''));
    expect(refusals).toEqual([]);
  }
  expect(await writer.conclude('fewer connections, then more')).toEqual([]);
  expect((await cluster.status()).currentPrimary).toBe('demo-1');
});

/** Milliseconds since 1970 at which each server was started. */
async function startTimes(cluster: Cluster): Promise<Map<string, number>> {
  const question = 'SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000)::float8';
  const times = new Map<string, number>();
  for (const name of cluster.names) times.set(name, (await cluster.query(name, question)) as number);
  return times;
}
