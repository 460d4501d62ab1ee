import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { signalProcess } from '../../src/process/proc.ts';
import { Cluster, hasReplication } from '../support/cluster.ts';
import { familyOf, giveToServer, keptBeside } from '../support/cluster-home.ts';
import { run } from '../support/command.ts';
import { component } from '../support/component.ts';
import { mayMount, mount } from '../support/mount.ts';
import { failingCopy, programsWith, slowCopy } from '../support/programs.ts';
import { Writer } from '../support/writer.ts';

/** An instance whose data is gone, stopped. */
async function emptied(cluster: Cluster, name: string): Promise<string> {
  const manager = cluster.of(name);
  await manager.stop();
  rmSync(manager.dataDirectory, { recursive: true });
  return manager.dataDirectory;
}

test.runIf(hasReplication)('a copy of the primary that was killed is begun anew', async () => {
  const cluster = await Cluster.start();
  const writer = await Writer.start(cluster);
  const data = await emptied(cluster, 'demo-3');
  const held = programsWith('pg_basebackup', 'amid');
  await cluster.startOne('demo-3', ['--bindir', held.directory]);
  await cluster.eventually('a copy in part', () => existsSync(held.reached));
  const remains = readdirSync(data);
  expect(remains.length).toBeGreaterThan(0);
  expect(remains).not.toContain('PG_VERSION');
  await cluster.kill('demo-3');

  await cluster.startOne('demo-3');
  await cluster.healthy();
  expect(readdirSync(data).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(await writer.conclude('join killed and begun anew', 'none')).toEqual([]);
});

test.runIf(hasReplication)(
  'what a killed manager has left running does not write into the next copy',
  async () => {
    const cluster = await Cluster.start();
    await emptied(cluster, 'demo-3');
    const held = programsWith('pg_basebackup', 'before');
    const first = await cluster.startOne('demo-3', ['--bindir', held.directory]);
    await cluster.eventually('a copy to be held', () => existsSync(held.reached));
    const tools = familyOf([first.child.pid]).slice(1);
    first.signal('SIGKILL');
    await first.ended();

    const second = await cluster.startOne('demo-3');
    expect(await second.ended()).toMatchObject({ code: 1 });
    expect(second.lines.some(({ code }) => code === 'PGDATA_IN_USE')).toBe(true);
    for (const pid of tools) signalProcess(pid, 'SIGKILL');
    await cluster.startOne('demo-3');
    await cluster.healthy();
  },
);

test.runIf(hasReplication)('a copy that fails says why, and is tried again', async () => {
  const cluster = await Cluster.start();
  await emptied(cluster, 'demo-3');
  const manager = await cluster.startOne('demo-3', ['--bindir', failingCopy().directory]);
  expect(await manager.line('the failure', ({ code }) => code === 'JOIN_FAILED')).toMatchObject({
    error: 'pg_basebackup ended with exit status 1: pg_basebackup: error: on purpose',
  });
  await cluster.healthy();
});

const canMount = component('the right to mount', mayMount);
test.runIf(hasReplication && canMount)(
  'data that cannot be put aside stays as it is, and serves again when nobody asks any more',
  async () => {
    const cluster = await Cluster.start();
    const { dataDirectory } = cluster.of('demo-3');
    await cluster.of('demo-3').stop();
    mount(dataDirectory, '--bind', dataDirectory);
    const entries = readdirSync(dataDirectory).toSorted();
    const recloneRequests = { 'demo-3': '2026-01-02T03:04:05.006000Z' };
    await cluster.editStatus((status) => ({ ...status, recloneRequests }));
    const manager = await cluster.startOne('demo-3');
    expect(await manager.line('the refusal', ({ code }) => code === 'RECLONE_IMPOSSIBLE')).toMatchObject({
      error: expect.stringContaining('EXDEV'),
    });
    expect(readdirSync(dataDirectory)).toEqual(expect.arrayContaining(entries));
    expect(keptBeside(dataDirectory)).toEqual([]);
    await cluster.editStatus((status) => ({ ...status, recloneRequests: {} }));
    await cluster.healthy();
    await manager.stop();
  },
);

test.runIf(hasReplication)('a copy that is being made acknowledges no commit', async () => {
  const cluster = await Cluster.start({ isSynchronous: true });
  await cluster.query('demo-1', 'CREATE TABLE acknowledged (id int)');
  await emptied(cluster, 'demo-3');
  await cluster.startOne('demo-3', ['--bindir', slowCopy().directory]);
  const copies = "FROM pg_stat_replication WHERE application_name LIKE 'demo-3%' AND state = 'streaming'";
  const copying = `SELECT count(*)::int = 1 ${copies}`;
  await cluster.eventually('the copy to stream WAL', () => cluster.ask('demo-1', copying));
  await cluster.of('demo-2').stop();
  // The session of the test is not as patient as the commit, which goes on waiting without it.
  void cluster.ask('demo-1', 'INSERT INTO acknowledged VALUES (1)');
  const inserts = "FROM pg_stat_activity WHERE query LIKE 'INSERT INTO acknowledged%'";
  const waiting = `SELECT count(*)::int ${inserts} AND wait_event = 'SyncRep'`;
  await cluster.eventually('the commit to wait', async () => (await cluster.ask('demo-1', waiting)) === 1);
  // It is told once in ten seconds what the copy has flushed, and that is whole segments.
  const end = String(await cluster.query('demo-1', 'SELECT pg_switch_wal()::text'));
  const flushed = `SELECT bool_or(flush_lsn >= '${end}') ${copies}`;
  await cluster.eventually('the copy to have flushed the commit', () => cluster.ask('demo-1', flushed));
  expect(await cluster.query('demo-1', waiting)).toBe(1);
  const { body } = await cluster.of('demo-1').get('/pg/status');
  expect(JSON.parse(body)).toMatchObject({ pgStatBasebackupsInfo: [{ application_name: 'demo-3-join' }] });
  await cluster.eventually('the stopped one to be unhealthy', async () => {
    const { healthy } = (await cluster.status()).instancesStatus ?? {};
    return healthy?.join() === 'demo-1';
  });

  await cluster.startOne('demo-2');
  await cluster.eventually('the commit', async () => (await cluster.ask('demo-1', waiting)) === 0);
  await cluster.kill('demo-3');
  await cluster.startOne('demo-3');
  await cluster.healthy();
});

test.runIf(hasReplication)(
  'a standby whose WAL is gone says so, and is copied anew when a person asks',
  async () => {
    const cluster = await Cluster.start({
      spec: 'replicationSlots: {highAvailability: {enabled: false}}',
      parameters: { wal_keep_size: '0', min_wal_size: '32MB', max_wal_size: '48MB' },
    });
    const writer = await Writer.start(cluster);
    const slots = 'SELECT count(*)::int FROM pg_replication_slots';
    await cluster.eventually('the slots to go', async () => (await cluster.ask('demo-1', slots)) === 0);
    const { dataDirectory } = await stopFarBehind(cluster);
    const manager = await cluster.startOne('demo-3');
    await manager.message('refused: the primary no longer has the WAL that comes next');
    await cluster.eventually('the reason in the status of the Cluster', async () =>
      (await run(cluster.path, 'status', '--output', 'text')).output.includes(
        '\ndemo-3 is refused, goal follow: the primary no longer has the WAL that comes next',
      ),
    );
    // It goes on answering what it can.
    expect(await cluster.query('demo-3', 'SELECT count(*)::int > 0 FROM written')).toBe(true);

    await cluster.requestCopy('demo-3');
    expect(await writer.conclude('standby behind a removed segment', 'none')).toEqual([]);
    const reported = (await cluster.status()).instancesReportedState?.['demo-3'];
    expect(reported).toMatchObject({ phase: 'running' });
    expect(reported).not.toHaveProperty('refusal');
    const kept = keptBeside(dataDirectory);
    expect(kept).toHaveLength(1);
    expect(readFileSync(join(kept[0]!, 'PG_VERSION'), 'utf8')).toBe('15\n');
    expect((await cluster.status()).recloneRequests).toEqual({});

    // As a manager leaves it that is killed between the two: the data is put aside, and the request still stands.
    mkdirSync(`${dataDirectory}.before-reclone-20260102T030405006000Z`);
    const recloneRequests = { 'demo-3': '2026-01-02T03:04:05.006000Z' };
    await cluster.editStatus((status) => ({ ...status, recloneRequests }));
    await cluster.eventually('a request that was carried out to go', async () => {
      const { recloneRequests: left } = await cluster.status();
      return left !== undefined && Object.keys(left).length === 0;
    });
    expect(keptBeside(dataDirectory)).toHaveLength(2);
    expect(readFileSync(join(dataDirectory, 'PG_VERSION'), 'utf8')).toBe('15\n');
  },
);

test.runIf(hasReplication)(
  'a standby whose WAL is gone from the primary goes on with the next one, which has it',
  async () => {
    const slots =
      'highAvailability: {enabled: false}, synchronizeReplicas: {enabled: true, excludePatterns: ["^kept"]}';
    const cluster = await Cluster.start({
      spec: `replicationSlots: {${slots}}`,
      parameters: { wal_keep_size: '0', min_wal_size: '32MB', max_wal_size: '48MB' },
    });
    const writer = await Writer.start(cluster);
    const left = 'SELECT count(*)::int FROM pg_replication_slots';
    await cluster.eventually('the slots to go', async () => (await cluster.ask('demo-1', left)) === 0);
    await cluster.query('demo-2', "SELECT pg_create_physical_replication_slot('kept', true)");
    await stopFarBehind(cluster);
    const stranded = await cluster.startOne('demo-3');
    await stranded.message('refused: the primary no longer has the WAL that comes next');
    await cluster.target('demo-2');
    await cluster.leads('demo-2');
    expect(await writer.conclude('standby behind a removed segment, switched over', 'switchover')).toEqual(
      [],
    );
    expect(stranded.lines.filter(({ msg }) => msg === 'pg_rewind has ended')).toEqual([]);
  },
);

test.runIf(hasReplication)('data that was put aside in part is put aside by the next start', async () => {
  const cluster = await Cluster.start();
  const writer = await Writer.start(cluster);
  const manager = cluster.of('demo-3');
  await manager.stop();
  const { dataDirectory } = manager;
  const recloneRequests = { 'demo-3': '2026-01-02T03:04:05.006000Z' };
  await cluster.editStatus((status) => ({ ...status, recloneRequests }));
  const place = `${dataDirectory}.before-reclone-20260102T030405006000Z`;
  const entries = readdirSync(dataDirectory).toSorted();
  mkdirSync(`${place}.part`);
  for (const name of ['PG_VERSION', 'global']) {
    renameSync(join(dataDirectory, name), join(`${place}.part`, name));
  }
  writeFileSync(join(dataDirectory, '.reclone-unfinished'), recloneRequests['demo-3']);
  giveToServer(`${place}.part`);
  giveToServer(join(dataDirectory, '.reclone-unfinished'));
  await cluster.startOne('demo-3');
  expect(await writer.conclude('set aside in part', 'none')).toEqual([]);
  expect(readdirSync(place).toSorted()).toEqual(entries);
  expect(keptBeside(dataDirectory)).toEqual([place]);
  expect((await cluster.status()).recloneRequests).toEqual({});
});

/** Stops demo-3, and lets the primary go on until it has removed the WAL that demo-3 would need. */
async function stopFarBehind(cluster: Cluster) {
  const manager = cluster.of('demo-3');
  await manager.stop();
  const wal = join(cluster.of('demo-1').dataDirectory, 'pg_wal');
  const segments = () => readdirSync(wal).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const [needed] = segments().toSorted();
  await cluster.eventually('the segment to be removed', async () => {
    await cluster.query(
      'demo-1',
      'CREATE TABLE filler AS SELECT 1; DROP TABLE filler; SELECT pg_switch_wal()',
    );
    // Nothing keeps WAL for the other standby either: it must have come there before it is removed.
    const written = await cluster.query('demo-1', 'SELECT pg_current_wal_lsn()::text');
    await cluster.eventually('demo-2 to have it', () =>
      cluster.ask(
        'demo-1',
        `SELECT bool_or(flush_lsn >= '${written}') FROM pg_stat_replication WHERE application_name = 'demo-2'`,
      ),
    );
    await cluster.query('demo-1', 'CHECKPOINT');
    return !segments().includes(needed!) && segments().toSorted()[0]! > needed!;
  });
  return manager;
}
