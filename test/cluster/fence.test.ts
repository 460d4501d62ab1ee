import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)('a fenced standby is down until it is unfenced', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  await cluster.fence(['demo-2']);
  await cluster.isDown('demo-2');
  await writer.more();
  expect((await cluster.of('demo-2').get('/healthz')).code).toBe(200);
  expect((await cluster.of('demo-2').get('/readyz')).code).toBe(500);
  await cluster.fence([]);
  expect(await writer.conclude('fenced standby', 'none')).toEqual([]);
});

test.runIf(hasReplication)('a fenced primary stays the primary, down, until it is unfenced', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  await cluster.fence(['demo-1']);
  await cluster.isDown('demo-1');
  const rows = writer.acknowledged.length;
  // A renewal or two later nobody else has taken its place.
  const { transitions } = cluster.lease;
  const { renewTime } = cluster.lease;
  await cluster.eventually('the lease to be renewed', () => cluster.lease.renewTime !== renewTime);
  expect(cluster.lease).toMatchObject({ holder: 'demo-1', transitions });
  expect(await cluster.status()).toMatchObject({ currentPrimary: 'demo-1', targetPrimary: 'demo-1' });
  expect(writer.acknowledged.length).toBe(rows);
  await cluster.fence([]);
  await writer.more();
  expect(await writer.conclude('fenced primary', 'person')).toEqual([]);
});
