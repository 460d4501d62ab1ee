import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { giveAllToServer, giveToServer } from '../support/cluster-home.ts';
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

test.runIf(hasReplication)(
  'WAL that was put aside is not in the way of a rewind, which waits for a person when it can be kept nowhere',
  async () => {
    const cluster = await Cluster.start();
    const { writer, onlyThere } = await diverge(cluster);
    const data = cluster.dataOf('demo-1');
    const stray = join(data, 'pg_wal', '.stray');
    const name = '000000010000000000000003';
    mkdirSync(join(stray, '20260101T000000Z'), { recursive: true });
    writeFileSync(join(stray, '20260101T000000Z', name), 'only here');
    giveAllToServer(stray, undefined);
    const around = cluster.homeOf('demo-1');
    chmodSync(around, 0o555);
    onTestFinished(() => chmodSync(around, 0o755));
    const manager = await cluster.startOne('demo-1');
    await manager.line('the refusal', ({ code }) => code === 'REWIND_IMPOSSIBLE');
    expect(readdirSync(data).filter((file) => file.startsWith('.'))).toEqual([]);
    chmodSync(around, 0o755);
    await manager.stop();
    await cluster.startOne('demo-1');
    const lost = await writer.conclude('old primary with WAL that was put aside', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    await expectSameData(cluster);
    const beside = `${data}.stray-wal`;
    const kept = readdirSync(beside, { recursive: true, encoding: 'utf8' }).find((file) =>
      file.endsWith(name),
    );
    expect(readFileSync(join(beside, kept!), 'utf8')).toBe('only here');
    expect(existsSync(join(stray, '20260101T000000Z'))).toBe(false);
  },
);

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
