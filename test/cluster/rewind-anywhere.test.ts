import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { giveToServer } from '../support/cluster-home.ts';
import { component } from '../support/component.ts';
import { diverge, expectSameData } from '../support/diverged.ts';

const hasStranger = component(
  'a user without a name (as root, with libnss-wrapper)',
  () => process.getuid?.() === 0 && existsSync('/usr/share/doc/libnss-wrapper'),
);

test.runIf(hasReplication)('a rewind needs nothing but PGDATA to write to', async () => {
  const cluster = await Cluster.start();
  const { writer, onlyThere } = await diverge(cluster);
  // As with a volume at PGDATA: what is around it belongs to the image.
  const around = cluster.homeOf('demo-1');
  chmodSync(around, 0o555);
  onTestFinished(() => chmodSync(around, 0o755));
  const { dataDirectory } = await cluster.startOne('demo-1');
  const lost = await writer.conclude('old primary with a volume at PGDATA', 'failover');
  expect(lost.map(({ id }) => id)).toEqual(onlyThere);
  await expectSameData(cluster);
  expect(readdirSync(dataDirectory).filter((name) => name.startsWith('.'))).toEqual([]);
});

/** In no passwd file. */
const user = { uid: 54_321, gid: 54_321 };

test.runIf(hasReplication && hasStranger).each(['primary', 'standby'] as const)(
  'an old %s that was killed is rewound by a user without a name',
  async (role) => {
    const cluster = await Cluster.start({ user });
    const { writer, onlyThere } = await diverge(cluster);
    if (role === 'standby') {
      // Of this one pg_rewind itself completes the crash recovery.
      const path = join(cluster.dataOf('demo-1'), 'standby.signal');
      writeFileSync(path, '');
      giveToServer(path, user);
    }
    await cluster.startOne('demo-1');
    const lost = await writer.conclude(`old ${role} of a user without a name`, 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    await expectSameData(cluster);
  },
);
