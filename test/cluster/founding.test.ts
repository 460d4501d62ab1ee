import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';

/** What a first boot runs; each leaves a role of its name. */
const initFiles = {
  '1.sql': 'CREATE ROLE by_sql_file;\n',
  '2.sh': 'psql --no-psqlrc -c "CREATE ROLE by_sourced_script"\n',
};
const postInitSql = 'CREATE ROLE by_post_init_sql';

test.runIf(hasReplication)(
  'commits of the first boot do not wait for standbys that are not there yet',
  async () => {
    const cluster = await Cluster.make({
      isSynchronous: true,
      spec: `bootstrap: {initdb: {postInitSQL: ['SET synchronous_commit = on', '${postInitSql}']}}`,
    });
    const directory = join(cluster.homeOf('demo-1'), 'init.d');
    mkdirSync(directory);
    for (const [name, text] of Object.entries(initFiles)) writeFileSync(join(directory, name), text);

    await cluster.startOne('demo-1');
    await cluster.eventually(
      'the first boot of demo-1, with its SQL and scripts, to end',
      async () => (await cluster.status()).currentPrimary === 'demo-1',
    );
    for (const name of cluster.others('demo-1')) await cluster.startOne(name);
    await cluster.healthy();
    // From then on they are waited for.
    expect(await cluster.query('demo-1', 'SHOW synchronous_standby_names')).toMatch(/^ANY 1 \(/);
    await cluster.caughtUp('demo-1');
    const roles = "SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles WHERE rolname ~ '^by_'";
    for (const name of cluster.names) {
      expect(await cluster.query(name, roles)).toEqual([
        'by_post_init_sql',
        'by_sourced_script',
        'by_sql_file',
      ]);
    }
  },
);
