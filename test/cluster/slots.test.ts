import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';

const spec =
  'replicationSlots: {updateInterval: 1, synchronizeReplicas: {enabled: true, excludePatterns: ["^private_"]}}';
/** Milliseconds: the interval, with some patience for a machine under load, and less than the default of the interval. */
const soon = 20_000;

test.runIf(hasReplication)(
  'every standby finds its slot on the primary, on the next one too, until it is gone',
  async () => {
    const cluster = await Cluster.start({ spec });
    await slots(cluster, 'demo-1', { _cnpg_demo_2: 'in use', _cnpg_demo_3: 'in use' });
    for (const name of ['users_backup', 'private_backup']) {
      await cluster.query('demo-1', `SELECT pg_create_physical_replication_slot('${name}', true)`);
    }
    // A standby keeps none for itself; what users have made goes with them, unless it is excluded.
    await slots(cluster, 'demo-2', { _cnpg_demo_3: 'idle', users_backup: 'idle' });
    await slots(cluster, 'demo-3', { _cnpg_demo_2: 'idle', users_backup: 'idle' });

    await cluster.query('demo-1', 'CREATE TABLE moved AS SELECT 1; SELECT pg_switch_wal()');
    await cluster.caughtUp('demo-1');
    const reached = await cluster.query('demo-1', 'SELECT pg_current_wal_lsn()::text');
    for (const name of cluster.others('demo-1')) {
      const isMoved = `SELECT bool_and(restart_lsn >= '${reached}') FROM pg_replication_slots WHERE slot_name ~ '^_cnpg_'`;
      await cluster.eventually(`the slots of ${name} to move on`, () => cluster.ask(name, isMoved), soon);
    }

    await cluster.target('demo-2');
    await cluster.leads('demo-2');
    await cluster.healthy();
    await slots(cluster, 'demo-2', { _cnpg_demo_1: 'in use', _cnpg_demo_3: 'in use', users_backup: 'idle' });
    await slots(cluster, 'demo-1', { _cnpg_demo_3: 'idle', private_backup: 'idle', users_backup: 'idle' });

    await cluster.of('demo-3').stop();
    // Fewer than spec.instances: a slot goes only when a person says so, or the spec does.
    await cluster.edit(['spec', 'instances'], 2);
    await cluster.editStatus((status) => ({ ...status, instanceNames: ['demo-1', 'demo-2'] }));
    await slots(cluster, 'demo-2', { _cnpg_demo_1: 'in use', users_backup: 'idle' });
    await slots(cluster, 'demo-1', { private_backup: 'idle', users_backup: 'idle' });

    const troubles = cluster.names.flatMap((name) =>
      cluster.of(name).lines.filter(({ duty, error }) => duty === 'slots' && /slot/.test(String(error))),
    );
    expect(troubles).toEqual([]);
  },
);

/** Waits until an instance has these slots and no others, each of which keeps WAL. */
function slots(cluster: Cluster, name: string, wanted: Readonly<Record<string, 'in use' | 'idle'>>) {
  const query = `
    SELECT json_object_agg(slot_name, CASE WHEN restart_lsn IS NULL THEN 'keeps nothing'
                                           WHEN active THEN 'in use' ELSE 'idle' END ORDER BY slot_name COLLATE "C")
    FROM pg_replication_slots`;
  return cluster.eventually(
    `${name} to have the slots ${JSON.stringify(wanted)}`,
    async () => {
      return JSON.stringify(await cluster.ask(name, query)) === JSON.stringify(wanted);
    },
    soon,
  );
}
