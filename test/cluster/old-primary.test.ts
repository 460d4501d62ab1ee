import { existsSync, lstatSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenOf } from '../../src/process/proc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { giveToServer, keptBeside } from '../support/cluster-home.ts';
import { diverge, expectSameData } from '../support/diverged.ts';
import type { Manager } from '../support/manager.ts';
import { type Moment, programsWith, slowRewind } from '../support/programs.ts';

/** So many rewinds may fail before a person is asked. */
const attempts = 4;
const marker = '.rewind-unfinished';

test.runIf(hasReplication)(
  'an old primary with WAL that nobody has is rewound; that WAL is all that is lost',
  async () => {
    const cluster = await Cluster.start();
    const { writer, onlyThere } = await diverge(cluster);
    const manager = await cluster.startOne('demo-1');
    const lost = await writer.conclude('old primary with diverged WAL', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    expect(manager.lines.filter(({ msg }) => msg === 'pg_rewind has ended')).toMatchObject([
      { outcome: 'done' },
    ]);
    expect(readdirSync(manager.dataDirectory)).not.toContain(marker);
    await expectSameData(cluster);
  },
);

/** Every file of a data directory, with its size and when it was last changed. */
function inventory(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => ({ name, stat: lstatSync(join(directory, name)) }))
    .filter(({ stat }) => !stat.isDirectory());
  return Object.fromEntries(files.map(({ name, stat }) => [name, `${stat.size} bytes, ${stat.mtimeMs}`]));
}

/** Starts the old primary, and kills it, manager and all, while its pg_rewind is held. @returns what is left in its directory */
async function killRewind(cluster: Cluster, moment: Moment): Promise<Record<string, string>> {
  const held = programsWith('pg_rewind', moment);
  const { dataDirectory } = await cluster.startOne('demo-1', ['--bindir', held.directory]);
  await cluster.eventually('pg_rewind to be held', () => existsSync(held.reached));
  await cluster.kill('demo-1');
  // What has only been looked at is not marked.
  expect(readdirSync(dataDirectory).includes(marker)).toBe(moment !== 'before');
  return inventory(dataDirectory);
}

/** Starts it again as the chosen one, which it cannot be, and then for the one who is. */
async function resume(cluster: Cluster, chosen: string): Promise<Manager> {
  await cluster.target('demo-1');
  const manager = await cluster.startOne('demo-1');
  await manager.message('refused: a rewind of this data directory was interrupted');
  expect(childrenOf(manager.child.pid!)).toEqual([]);
  expect(readdirSync(manager.dataDirectory)).toContain(marker);
  expect(readdirSync(manager.dataDirectory)).not.toContain('postmaster.pid');
  await cluster.target(chosen);
  return manager;
}

test.runIf(hasReplication)(
  'a rewind killed after it has written is completed, and nothing else is done',
  async () => {
    const cluster = await Cluster.start();
    const { writer, chosen, onlyThere } = await diverge(cluster);
    await killRewind(cluster, 'after');
    const manager = await resume(cluster, chosen);
    const lost = await writer.conclude('rewind killed after it has written', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    expect(readdirSync(manager.dataDirectory)).not.toContain(marker);
    await expectSameData(cluster);
  },
);

test.runIf(hasReplication)(
  'a rewind killed before it has written leaves a primary that can lead',
  async () => {
    const cluster = await Cluster.start();
    const { writer, chosen } = await diverge(cluster);
    await killRewind(cluster, 'before');
    await writer.hold();
    for (const name of cluster.others('demo-1')) await cluster.kill(name);
    // The others are lost for good.
    await cluster.editStatus((status) => ({ ...status, currentPrimary: 'demo-1', targetPrimary: 'demo-1' }));
    await cluster.startOne('demo-1');
    await cluster.leads('demo-1');
    expect(await cluster.query('demo-1', 'SELECT count(*)::int FROM never_seen')).toBe(5000);
    expect(chosen).not.toBe('demo-1');
  },
);

test.runIf(hasReplication)(
  'a rewind whose source goes before it has written leaves a primary that can lead',
  async () => {
    const cluster = await Cluster.start();
    const manager = await loseSource(cluster);
    // As the source of another rewind it may have nothing that is no file.
    expect(readdirSync(manager.dataDirectory).filter((name) => name.startsWith('.rewind-'))).toEqual([]);
    expect(readdirSync(manager.dataDirectory)).not.toContain('standby.signal');
    await cluster.editStatus((status) => ({ ...status, currentPrimary: 'demo-1', targetPrimary: 'demo-1' }));
    await cluster.leads('demo-1');
    expect(await cluster.query('demo-1', 'SELECT count(*)::int FROM never_seen')).toBe(5000);
  },
);

test.runIf(hasReplication)(
  'a rewind whose source goes before it has written leaves a standby a standby',
  async () => {
    const cluster = await Cluster.start();
    const manager = await loseSource(cluster, () => {
      const signalFile = join(cluster.of('demo-1').dataDirectory, 'standby.signal');
      writeFileSync(signalFile, '');
      giveToServer(signalFile);
    });
    expect(readdirSync(manager.dataDirectory)).not.toContain(marker);
    expect(readdirSync(manager.dataDirectory)).toContain('standby.signal');
  },
);

test.runIf(hasReplication)(
  'an old primary that has recycled what it had in common with the new one gets it back from there, and is rewound',
  async () => {
    const cluster = await Cluster.start();
    await cluster.query('demo-1', 'CHECKPOINT');
    await cluster.query('demo-1', 'SELECT pg_switch_wal()');
    const kept = await cluster.query('demo-1', 'SELECT pg_walfile_name(pg_current_wal_insert_lsn() + 1)');
    const { writer, onlyThere } = await diverge(cluster, async () => {
      await cluster.query('demo-1', 'CHECKPOINT');
    });
    const pgWal = join(cluster.of('demo-1').dataDirectory, 'pg_wal');
    const recycled = readdirSync(pgWal).filter(
      (name) => /^[0-9A-F]{24}$/.test(name) && name < (kept as string),
    );
    for (const name of recycled) rmSync(join(pgWal, name));
    const manager = await cluster.startOne('demo-1');
    const lost = await writer.conclude('old primary that has recycled common WAL', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    const restored = manager.lines.filter(({ msg }) => msg?.startsWith('restored a segment of WAL'));
    expect(restored.length).toBeGreaterThan(0);
    for (const { segment } of restored) expect(recycled).toContain(segment);
    expect(manager.lines.filter(({ msg }) => msg === 'pg_rewind has ended')).toMatchObject([
      { outcome: 'done' },
    ]);
    await expectSameData(cluster);
  },
);

test.runIf(hasReplication)(
  'a rewind that was complete before the machine went down, but not all on its disk, is not taken for one',
  async () => {
    const cluster = await Cluster.start();
    const { writer, onlyThere } = await diverge(cluster);
    await killRewind(cluster, 'after');
    const { dataDirectory } = cluster.of('demo-1');
    const mark = readdirSync(dataDirectory).find((name) => name.startsWith('.rewind-unsynced-'));
    const earlier = '.rewind-unsynced-6fd44f4c-5a7e-4f8c-9d0e-6d1f0f2f3a4b';
    renameSync(join(dataDirectory, mark!), join(dataDirectory, earlier));
    const manager = await cluster.startOne('demo-1');
    await manager.line('the refusal', ({ code }) => code === 'REWIND_IMPOSSIBLE');
    expect(childrenOf(manager.child.pid!)).toEqual([]);
    expect(readdirSync(dataDirectory)).toEqual(expect.arrayContaining([marker, earlier]));
    await cluster.requestCopy('demo-1');
    const lost = await writer.conclude('rewind that a loss of power met', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    await expectSameData(cluster);
  },
);

/** Starts the old primary, and kills all others while its pg_rewind is about to connect for the rewind proper. */
async function loseSource(cluster: Cluster, prepare = () => {}): Promise<Manager> {
  const { writer } = await diverge(cluster);
  prepare();
  const held = slowRewind();
  const manager = await cluster.startOne('demo-1', ['--bindir', held.directory]);
  await cluster.eventually('pg_rewind to be held', () => existsSync(held.reached));
  expect(readdirSync(manager.dataDirectory)).toContain(marker);
  await writer.hold();
  for (const name of cluster.others('demo-1')) await cluster.kill(name);
  held.goOn();
  await manager.line('the failure', ({ msg, step }) => msg === 'step failed' && step === 'rewind');
  return manager;
}

test.runIf(hasReplication)('a rewind that has begun to write is not cut off by a stop', async () => {
  const cluster = await Cluster.start();
  const { writer, onlyThere } = await diverge(cluster);
  const held = slowRewind();
  const manager = await cluster.startOne('demo-1', ['--bindir', held.directory]);
  await cluster.eventually('pg_rewind to be writing', () => existsSync(held.reached));
  manager.signal('SIGTERM');
  await manager.line('the stop', ({ msg }) => msg === 'stop requested');
  held.goOn();
  expect(await manager.ended()).toMatchObject({ code: 0 });
  expect(readdirSync(manager.dataDirectory)).not.toContain(marker);
  expect(readdirSync(manager.dataDirectory)).toContain('standby.signal');
  await cluster.startOne('demo-1');
  const lost = await writer.conclude('rewind that a stop has met', 'failover');
  expect(lost.map(({ id }) => id)).toEqual(onlyThere);
  await expectSameData(cluster);
});

test.runIf(hasReplication)('a rewind that has written nothing is called off for a new primary', async () => {
  const cluster = await Cluster.start();
  const { writer, chosen } = await diverge(cluster);
  const held = programsWith('pg_rewind', 'before');
  const manager = await cluster.startOne('demo-1', ['--bindir', held.directory]);
  await cluster.eventually('pg_rewind to be held', () => existsSync(held.reached));
  const [next] = cluster.others('demo-1', chosen);
  await writer.hold();
  await cluster.target(next!);
  await manager.line('the end of it', ({ msg, step }) => msg === 'step called off' && step === 'rewind');
  expect(readdirSync(manager.dataDirectory)).not.toContain(marker);
});

test.runIf(hasReplication)(
  'a rewind that finds no primary waits for it, however often it has to look',
  async () => {
    const cluster = await Cluster.start();
    const { writer, chosen, onlyThere } = await diverge(cluster);
    await killRewind(cluster, 'before');
    await cluster.fence([chosen]);
    await cluster.isDown(chosen);
    const manager = await cluster.startOne('demo-1');
    const looks = () => manager.lines.filter(({ msg }) => msg === 'step failed');
    const ends = () => manager.lines.filter(({ msg }) => msg === 'pg_rewind has ended');
    await cluster.eventually('more looks than attempts', () => looks().length > attempts);
    expect(manager.lines.filter(({ msg }) => msg?.startsWith('refused: '))).toEqual([]);
    await cluster.fence([]);
    const lost = await writer.conclude('rewind that finds no primary', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    expect(ends().at(-1)).toMatchObject({ outcome: 'done' });
    await expectSameData(cluster);
  },
);

test.runIf(hasReplication)(
  'a rewind killed amid its copying is refused until a person asks for a copy; the old data is kept',
  async () => {
    const cluster = await Cluster.start();
    const { writer, chosen, onlyThere } = await diverge(cluster);
    const left = await killRewind(cluster, 'amid');
    const manager = await resume(cluster, chosen);
    // Its own WAL was cut short, by which alone a second rewind would find what to copy.
    const refusal = /rewind: could not read (file ".*pg_wal|WAL record at)/;
    await manager.line(
      'the refusal',
      ({ msg }) => msg?.startsWith('refused: rewind: could not read') === true,
    );
    expect(manager.lines.filter(({ code }) => code === 'REWIND_NEEDS_WAL')).toHaveLength(1);
    expect(await manager.get('/pg/status')).toMatchObject({
      code: 500,
      body: expect.stringMatching(refusal) as string,
    });
    expect(childrenOf(manager.child.pid!)).toEqual([]);
    expect(inventory(manager.dataDirectory)).toEqual(left);
    expect(keptBeside(manager.dataDirectory)).toEqual([]);

    await cluster.requestCopy('demo-1');
    const lost = await writer.conclude('rewind killed amid its copying', 'failover');
    expect(lost.map(({ id }) => id)).toEqual(onlyThere);
    expect((await cluster.status()).recloneRequests).toEqual({});
    expect(readdirSync(manager.dataDirectory)).not.toContain(marker);
    await expectSameData(cluster);
    const kept = keptBeside(manager.dataDirectory);
    expect(kept).toHaveLength(1);
    expect(inventory(kept[0]!)).toEqual(left);
  },
);
