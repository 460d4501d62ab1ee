import { chmodSync, rmSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { FileLease } from '../../src/cluster/file-lease.ts';
import { timestamp } from '../../src/cluster/status.ts';
import { openLibc } from '../../src/process/libc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import type { Line } from '../support/manager.ts';
import { Writer } from '../support/writer.ts';

const leaseSeconds = 6;
const hasEnded = ({ msg }: Line) => msg === 'the server has ended as it was asked to';

test.runIf(hasReplication)('a primary stops at once when somebody else holds the lease', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  await takeLease(cluster, 'demo-9');
  const manager = cluster.of('demo-1');
  await manager.line(
    'immediate stop',
    ({ msg, mode }) => msg === 'stopping the server' && mode === 'immediate',
  );
  await manager.line('the end of the server', hasEnded);
  expect(await cluster.ask('demo-1', 'SELECT 1')).toBeUndefined();

  // Nobody renews it: it runs out, and the one who is still chosen goes on.
  await writer.more();
  expect(await writer.conclude('lease held by somebody else', 'lostLease')).toEqual([]);
});

test.runIf(hasReplication)('a primary that cannot reach the lease is down before it runs out', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  const path = `${cluster.path}.lease`;
  const bar = (isBarred: boolean) => {
    // A file that nobody may read; the directory in which no other may be made, for those who would replace it.
    chmodSync(path, isBarred ? 0 : 0o644);
  };
  bar(true);
  onTestFinished(() => bar(false));
  const manager = cluster.of('demo-1');
  const end = await manager.line('the end of the server', hasEnded);
  const held = Date.parse(String(end.ts)) - Date.parse(cluster.lease.renewTime);
  expect(held).toBeLessThan(leaseSeconds * 1000);
  for (const name of cluster.others('demo-1')) expect(await cluster.ask(name, 'SELECT 1')).toBe(1);

  bar(false);
  await writer.more();
  expect(await writer.conclude('lease out of reach', 'lostLease')).toEqual([]);
});

test.runIf(hasReplication)(
  'a primary whose lease somebody removes stops, and leads again when a new one has run out',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    const writer = await Writer.start(cluster);
    rmSync(`${cluster.path}.lease`);
    await cluster.of('demo-1').line('the end of the server', hasEnded);
    await writer.more();
    expect(cluster.lease).toMatchObject({ holder: 'demo-1' });
    expect(await writer.conclude('lease removed', 'lostLease')).toEqual([]);
  },
);

async function takeLease(cluster: Cluster, holder: string): Promise<void> {
  const lease = new FileLease(`${cluster.path}.lease`, openLibc());
  const never = new AbortController().signal;
  await cluster.eventually('the lease to be taken', async () => {
    const now = (await lease.read(never))!;
    const answer = await lease.write({ ...now, holder, renewTime: timestamp(Date.now()) }, never);
    return answer !== 'conflict';
  });
}
