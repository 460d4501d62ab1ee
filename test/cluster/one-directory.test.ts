import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { giveToServer } from '../support/cluster-home.ts';
import { Manager } from '../support/manager.ts';
import { copyDirectory } from '../support/seed.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)('a second manager leaves a directory in use alone, under any name', async () => {
  let copy = '';
  const cluster = await Cluster.start({ isSynchronous: true }, (made) => {
    copy = made.homeOf('copy');
    mkdirSync(copy);
    copyDirectory(made.dataOf('demo-1'), join(copy, 'data'));
    giveToServer(copy);
  });
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
  // A directory of its own, which is a copy: the lease knows its holder by the name alone.
  const twin = await Manager.start({ home: copy, options: options('demo-1') });
  expect((await twin.ended()).code).toBe(1);
  expect(twin.lines.some(({ code }) => code === 'INSTANCE_NAME_IN_USE')).toBe(true);
  expect(twin.lines.some(({ step }) => step === 'start')).toBe(false);
  await writer.more('demo-1');
  expect(await writer.conclude('a second manager on each directory', 'none')).toEqual([]);
  expect((await cluster.status()).instanceNames).toEqual(['demo-1', 'demo-2', 'demo-3']);
});
