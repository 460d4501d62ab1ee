import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)('a restart of everything at once: the same primary, nothing lost', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  const writer = await Writer.start(cluster);
  const ends = await Promise.all(cluster.names.map((name) => cluster.of(name).stop()));
  for (const end of ends) expect(end).toEqual({ code: 0, signal: null });
  for (const name of cluster.names) await cluster.startOne(name);
  await cluster.leads('demo-1');
  await writer.more();
  expect(await writer.conclude('everything restarted', 'restart')).toEqual([]);
  expect((await cluster.status()).timelineID).toBe(1);
});

for (const isSynchronous of [true, false]) {
  const how = isSynchronous ? 'synchronous' : 'asynchronous';
  test.runIf(hasReplication)(
    `everything killed at once: the same primary, nothing lost, ${how}`,
    async () => {
      const cluster = await Cluster.start({ isSynchronous });
      const writer = await Writer.start(cluster);
      await Promise.all(cluster.names.map((name) => cluster.kill(name)));
      for (const name of cluster.names) await cluster.startOne(name);
      await cluster.leads('demo-1');
      await writer.more();
      expect(await writer.conclude(`everything killed, ${how}`, 'restart')).toEqual([]);
      expect((await cluster.status()).timelineID).toBe(1);
    },
  );
}
