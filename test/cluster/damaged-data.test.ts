import { existsSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import type { Line, Manager } from '../support/manager.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)(
  'a primary whose PG_VERSION cannot be looked at, or is gone, keeps its lease, and is isolated without it',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    const manager = cluster.of('demo-1');
    const file = join(cluster.dataOf('demo-1'), 'PG_VERSION');
    const goesOn = async (problem: string) => {
      const isSaid = ({ msg, error }: Line) =>
        msg === 'the data directory of the server that runs is damaged' && String(error).includes(problem);
      await manager.line(problem, isSaid);
      const before = cluster.lease.renewTime;
      await cluster.eventually('another renewal', () => cluster.lease.renewTime !== before);
      expect(cluster.lease.holder).toBe('demo-1');
      await writer.more('demo-1');
    };
    renameSync(file, `${file}.away`);
    symlinkSync(file, file);
    await goesOn('ELOOP');
    rmSync(file);
    await goesOn('has no PG_VERSION');

    rmSync(`${cluster.path}.lease`);
    await manager.line(
      'the end of the server',
      ({ msg }) => msg === 'the server has ended as it was asked to',
    );
    await refusal(manager);
    expect(await cluster.ask('demo-1', 'SELECT 1')).toBeUndefined();
    // Nothing was begun in what only looks empty.
    expect(existsSync(join(cluster.dataOf('demo-1'), '.join-unfinished'))).toBe(false);

    renameSync(`${file}.away`, file);
    await writer.more();
    expect(await writer.conclude('primary without PG_VERSION', 'person')).toEqual([]);
  },
);

test.runIf(hasReplication)('no copy is made over data that has lost its PG_VERSION', async () => {
  const cluster = await Cluster.start();
  const file = join(cluster.dataOf('demo-2'), 'PG_VERSION');
  await cluster.fence(['demo-2']);
  await cluster.isDown('demo-2');
  renameSync(file, `${file}.away`);
  await cluster.fence([]);
  await refusal(cluster.of('demo-2'));
  expect(existsSync(join(cluster.dataOf('demo-2'), '.join-unfinished'))).toBe(false);
  renameSync(`${file}.away`, file);
  await cluster.healthy();
});

async function refusal(manager: Manager): Promise<void> {
  const isIt = ({ msg }: Line) => msg?.startsWith('refused: ') === true && msg.includes('has no PG_VERSION');
  await manager.line('a refusal', isIt);
}
