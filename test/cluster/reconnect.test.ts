import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { Writer } from '../support/writer.ts';

test.runIf(hasReplication)(
  'standbys connect again as soon as the primary listens, and not when PostgreSQL would look again',
  async () => {
    const cluster = await Cluster.start({ isSynchronous: true });
    await cluster.edit(['spec', 'postgresql', 'parameters'], {
      shared_buffers: '16MB',
      fsync: 'off',
      wal_retrieve_retry_interval: '10min',
    });
    await cluster.eventually('the interval everywhere', async () => {
      const shown = "SELECT current_setting('wal_retrieve_retry_interval')";
      for (const name of cluster.names) if ((await cluster.ask(name, shown)) !== '10min') return false;
      return true;
    });
    const writer = await Writer.start(cluster);
    await writer.hold();
    await cluster.fence(['demo-1']);
    await cluster.isDown('demo-1');
    for (const name of cluster.others('demo-1')) {
      // Now it sleeps.
      await cluster
        .of(name)
        .line('the failure', ({ record }) => /^could not connect to the primary/.test(record?.message ?? ''));
    }
    writer.goOn();
    await cluster.fence([]);
    await cluster.healthy();
    expect(await writer.conclude('standbys that connect again', 'restart')).toEqual([]);
  },
);
