import { chmodSync, readdirSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { diverge, expectSameData } from '../support/diverged.ts';

test.runIf(hasReplication)('a rewind needs nothing but PGDATA to write to', async () => {
  const cluster = await Cluster.start();
  const { writer, onlyThere } = await diverge(cluster);
  // As with a volume at PGDATA: what is around it belongs to the image.
  const around = cluster.homeOf('demo-1');
  chmodSync(around, 0o555);
  onTestFinished(() => chmodSync(around, 0o755));
  const { dataDirectory } = await cluster.startOne('demo-1');
  const lost = await writer.conclude('old primary with a volume at PGDATA');
  expect(lost.map(({ id }) => id)).toEqual(onlyThere);
  await expectSameData(cluster);
  expect(readdirSync(dataDirectory).filter((name) => name.startsWith('.'))).toEqual([]);
});
