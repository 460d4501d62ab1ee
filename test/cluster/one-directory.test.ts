import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Manager } from '../support/manager.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)('a second manager leaves a directory in use alone, under any name', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  const options = (name: string) => ['--pod-name', name, '--cluster-file', cluster.path];
  for (const [home, name] of [
    ['demo-1', 'demo-1'],
    ['demo-1', 'demo-4'],
    ['demo-2', 'demo-2'],
  ] as const) {
    const second = await Manager.start({ home: cluster.homeOf(home), options: options(name) });
    expect((await second.ended()).code).toBe(1);
    expect(second.lines.some(({ code }) => code === 'PGDATA_IN_USE')).toBe(true);
  }
  await writer.more('demo-1');
  expect(await writer.conclude('a second manager on each directory', 'none')).toEqual([]);
  expect((await cluster.status()).instanceNames).toEqual(['demo-1', 'demo-2', 'demo-3']);
});
