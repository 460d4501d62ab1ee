import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

for (const isSynchronous of [true, false]) {
  const how = isSynchronous ? 'synchronous' : 'asynchronous';
  test.runIf(hasReplication)(`kill -9 of the primary, manager and server, ${how}`, async () => {
    const cluster = await Cluster.start({ isSynchronous });
    const writer = await Writer.start(cluster);
    await cluster.kill('demo-1');
    const chosen = await cluster.failOver('demo-1');
    await cluster.leads(chosen);
    await writer.more(chosen);

    await cluster.startOne('demo-1');
    const lost = await writer.conclude(`kill -9 of the primary, ${how}`, 'failover');
    // What was not received is all that may be missing: the last rows before the kill, without a hole.
    const before = writer.acknowledged.filter(({ by }) => by === 'demo-1');
    expect(lost).toEqual(isSynchronous ? [] : before.slice(before.length - lost.length));
    expect((await cluster.status()).currentPrimary).toBe(chosen);
  });
}
