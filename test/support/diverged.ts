import { expect } from 'vitest';
import type { Cluster } from './cluster.ts';
import { Writer } from './writer.ts';

/** From here on nobody receives what the primary writes. */
async function haltSenders(cluster: Cluster, primary: string): Promise<void> {
  const pids = 'SELECT array_agg(pid) FROM pg_stat_replication';
  for (const pid of (await cluster.query(primary, pids)) as number[]) process.kill(pid, 'SIGSTOP');
}

/**
 * A primary that has written what nobody has received, and was killed; another one leads.
 *
 * @param alone what else happens on the primary when nobody receives its WAL any more
 */
export async function diverge(
  cluster: Cluster,
  alone = async () => {},
): Promise<{ writer: Writer; chosen: string; onlyThere: number[] }> {
  await cluster.query(
    'demo-1',
    'CREATE TABLE counted AS SELECT i, 0 AS n FROM generate_series(1, 5000) AS i',
  );
  const writer = await Writer.start(cluster);
  await writer.hold();
  await cluster.caughtUp('demo-1');
  const before = writer.acknowledged.length;
  await haltSenders(cluster, 'demo-1');
  writer.goOn();
  await cluster.query('demo-1', 'UPDATE counted SET n = 1; CREATE TABLE never_seen AS SELECT * FROM counted');
  await writer.more();
  await alone();
  await cluster.kill('demo-1');
  const onlyThere = writer.acknowledged.slice(before).map(({ id }) => id);
  const chosen = await cluster.failOver('demo-1');
  await cluster.leads(chosen);
  await writer.more(chosen);
  return { writer, chosen, onlyThere };
}

/** Nothing of what only the old primary had written is left anywhere. */
export async function expectSameData(cluster: Cluster): Promise<void> {
  for (const name of cluster.names) {
    expect(await cluster.query(name, 'SELECT sum(n)::int FROM counted')).toBe(0);
    expect(await cluster.query(name, "SELECT to_regclass('never_seen')")).toBeNull();
  }
}
