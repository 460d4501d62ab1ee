import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

for (const isSynchronous of [true, false]) {
  const how = isSynchronous ? 'synchronous' : 'asynchronous';
  test.runIf(hasReplication)(`a planned switchover loses nothing, ${how}`, async () => {
    const cluster = await Cluster.start({ isSynchronous });
    const writer = await Writer.start(cluster);
    await cluster.target('demo-2');
    await cluster.leads('demo-2');
    await writer.more('demo-2');
    expect(await writer.conclude(`planned switchover, ${how}`)).toEqual([]);
    expect((await cluster.status()).timelineID).toBe(2);
  });
}
