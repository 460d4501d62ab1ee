import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

const synchronous = ['spec', 'postgresql', 'synchronous'];

test.runIf(hasReplication)(
  'writes wait for those that the Cluster names, and for nobody who is lost',
  async () => {
    const cluster = await Cluster.start({ spec: 'minSyncReplicas: 1\n  maxSyncReplicas: 2' });
    const writer = await Writer.start(cluster);

    // The two numbers of old: as many as are ready, up to the greater one.
    await waitsFor(cluster, 'ANY 2 ("demo-2","demo-3")');
    await cluster.kill('demo-3');
    await waitsFor(cluster, 'ANY 1 ("demo-2")');
    await writer.more();
    await cluster.kill('demo-2');
    await waitsFor(cluster, '');
    await writer.more();

    // Wins over the numbers; nobody is there to wait for, so that preferred means nobody.
    await cluster.edit(synchronous, { method: 'any', number: 2, dataDurability: 'preferred' });
    await cluster.startOne('demo-2');
    await waitsFor(cluster, 'ANY 1 ("demo-2")');
    await cluster.startOne('demo-3');
    await waitsFor(cluster, 'ANY 2 ("demo-2","demo-3")');
    await writer.more();
    await cluster.kill('demo-2');
    await waitsFor(cluster, 'ANY 1 ("demo-3")');
    await writer.more();

    // The first of the list that streams is waited for, the next one stands by.
    await cluster.startOne('demo-2');
    await cluster.healthy();
    await cluster.edit(synchronous, { method: 'first', number: 1 });
    await waitsFor(cluster, 'FIRST 1 ("demo-2","demo-3","demo-1")');
    expect(await states(cluster, { 'demo-2': 'sync', 'demo-3': 'potential' })).toBe(true);
    await cluster.kill('demo-2');
    expect(await states(cluster, { 'demo-3': 'sync' })).toBe(true);
    await writer.more();

    await cluster.startOne('demo-2');
    expect(await writer.conclude('synchronous replication, standbys lost', 'restart')).toEqual([]);
  },
);

function waitsFor(cluster: Cluster, names: string): Promise<true> {
  return cluster.eventually(`commits to wait for ${names || 'nobody'}`, async () => {
    return (await cluster.ask('demo-1', 'SHOW synchronous_standby_names')) === names;
  }) as Promise<true>;
}

/** Waits until the primary ranks its standbys so. */
function states(cluster: Cluster, wanted: Readonly<Record<string, string>>): Promise<boolean> {
  const query =
    'SELECT json_object_agg(application_name, sync_state ORDER BY application_name) FROM pg_stat_replication';
  return cluster.eventually(`the standbys to be ${JSON.stringify(wanted)}`, async () => {
    return JSON.stringify(await cluster.ask('demo-1', query)) === JSON.stringify(wanted);
  });
}
