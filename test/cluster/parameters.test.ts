import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

const path = ['spec', 'postgresql', 'parameters', 'max_connections'];

test.runIf(hasReplication)('fewer connections: the primary first; more: the standbys first', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);

  const fewer = await change(cluster, '30');
  for (const name of cluster.others('demo-1')) expect(fewer.get(name)).toBeGreaterThan(fewer.get('demo-1')!);
  const more = await change(cluster, '60');
  for (const name of cluster.others('demo-1')) expect(more.get(name)).toBeLessThan(more.get('demo-1')!);

  const refusal = /insufficient parameter settings|lower value/;
  for (const name of cluster.names) {
    const refusals = cluster.of(name).lines.filter(({ record }) => refusal.test(record?.message ?? ''));
    expect(refusals).toEqual([]);
  }
  expect(await writer.conclude('fewer connections, then more', 'restart')).toEqual([]);
  expect((await cluster.status()).currentPrimary).toBe('demo-1');
});

/** Sets the parameter, and waits until all have it. @returns when each instance was stopped to be started with it */
async function change(cluster: Cluster, value: string): Promise<Map<string, number>> {
  const begun = Date.now();
  await cluster.edit(path, value);
  await cluster.eventually(`max_connections ${value} everywhere`, async () => {
    for (const name of cluster.names)
      if ((await cluster.ask(name, 'SHOW max_connections')) !== value) return false;
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
