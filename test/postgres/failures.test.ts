import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { component } from '../support/component.ts';
import { eventually, Manager, runManager, temporaryDirectory } from '../support/manager.ts';
import { mount, run } from '../support/mount.ts';
import { refusal } from '../support/refusal.ts';

const asRoot = process.getuid?.() === 0;

describe('PGDATA', () => {
  test('that is not empty and no data directory', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'data'));
    writeFileSync(join(home, 'data', 'holiday.jpg'), 'precious');
    if (asRoot) chmodSync(join(home, 'data'), 0o777);
    const { code, exit } = await refusal({ home });
    expect([code, exit]).toEqual([asRoot ? 'PGDATA_OWNER' : 'PGDATA_NOT_EMPTY', 1]);
    expect(readFileSync(join(home, 'data', 'holiday.jpg'), 'utf8')).toBe('precious');
  });

  test('named a second time, among the arguments of the server', () => {
    const { code, stdout } = runManager(['postgres', '-D', '/nowhere/other'], {
      PGDATA: join(temporaryDirectory(), 'data'),
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'BAD_ARGUMENT',
      error: expect.stringMatching(/the argument -D \/nowhere\/other .*--pg-data \(PGDATA\)/),
    });
  });

  test('that is a file', async () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, 'data'), 'precious');
    expect(await refusal({ home })).toMatchObject({ code: 'PGDATA_NOT_EMPTY', exit: 1 });
    expect(readFileSync(join(home, 'data'), 'utf8')).toBe('precious');
  });

  test('of another major', async () => {
    const first = await (await Manager.start()).ready();
    await first.stop();
    writeFileSync(join(first.dataDirectory, 'PG_VERSION'), '12\n');
    expect(await refusal({ home: first.home })).toMatchObject({ code: 'PGDATA_OTHER_MAJOR', exit: 1 });
  });

  test('that has lost its control file', async () => {
    const first = await (await Manager.start()).ready();
    await first.stop();
    rmSync(join(first.dataDirectory, 'global', 'pg_control'));
    expect(await refusal({ home: first.home })).toMatchObject({ code: 'PGDATA_INCOMPLETE', exit: 1 });
  });

  test('with open permissions is tightened', async () => {
    const first = await (await Manager.start()).ready();
    await first.stop();
    chmodSync(first.dataDirectory, 0o777);
    await (await Manager.start({ home: first.home })).ready();
  });

  test('in use by another manager: refused at once, and the first goes on', async () => {
    const first = await (await Manager.start()).ready();
    const second = await Manager.start({ home: first.home });
    expect((await second.ended()).code).toBe(1);
    await second.line('the refusal', (line) => line.code === 'PGDATA_IN_USE');
    expect(await first.query('SELECT 1')).toBe(1);
  });

  test('locked though postmaster.pid is gone: never a second server', async () => {
    const first = await (await Manager.start()).ready();
    rmSync(join(first.dataDirectory, 'postmaster.pid'));
    expect(await refusal({ home: first.home })).toMatchObject({ code: 'PGDATA_IN_USE', exit: 1 });
  });
});

describe('what a killed manager leaves behind', () => {
  test('a stale postmaster.pid that names somebody else', async () => {
    const first = await (await Manager.start()).ready();
    await first.stop();
    writeFileSync(
      join(first.dataDirectory, 'postmaster.pid'),
      `${process.pid}\n${first.dataDirectory}\n1\n5432\n/tmp\n\n`,
    );
    const lock = join(first.home, 'run', `.s.PGSQL.${first.port}.lock`);
    writeFileSync(lock, `${process.pid}\n${first.dataDirectory}\n1\n${first.port}\n/tmp\n\n`);
    await (await Manager.start({ home: first.home, port: first.port })).ready();
  });

  test('a running server is taken over, served, and stopped', async () => {
    const first = await (await Manager.start()).ready();
    const server = first.postmasterPid!;
    const session = await first.connect();
    first.signal('SIGKILL');
    await new Promise((resolve) => first.child.once('exit', resolve));
    const second = await (await Manager.start({ home: first.home, port: first.port })).ready();
    await second.message('taking over a server');
    expect(second.postmasterPid).toBe(server);
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await second.query("DO $$ BEGIN RAISE LOG 'still logged'; END $$");
    await second.line('a record of the server', (line) => line.record?.message === 'still logged');
    expect((await second.stop()).code).toBe(0);
    expect(second.clusterState).toBe('shut down');
    await session.end().catch(() => {});
  });
});

test('a server that was taken over is not taken over by a third manager, which could stop it', async () => {
  const first = await (await Manager.start()).ready();
  const { home, port } = first;
  first.signal('SIGKILL');
  await new Promise((resolve) => first.child.once('exit', resolve));
  const second = await (await Manager.start({ home, port })).ready();
  const server = second.postmasterPid!;
  // It would find its status port taken, and stop what it has.
  const third = await refusal({ home, port, options: ['--status-port', String(second.statusPort)] });
  expect(third).toMatchObject({ code: 'PGDATA_IN_USE', exit: 1 });
  expect(second.postmasterPid).toBe(server);
  expect(await second.query('SELECT 1')).toBe(1);
  expect((await second.stop()).code).toBe(0);
  await (await Manager.start({ home, port })).ready();
});

describe('ports', () => {
  test('of PostgreSQL taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen({ port: 0, host: '127.0.0.1' }, resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    expect(await refusal({ port })).toMatchObject({ code: 'PORT_IN_USE', exit: 1 });
  });

  test('of the status server taken: nothing is left running', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen({ port: 0, host: '127.0.0.1' }, resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const manager = await Manager.start({ options: ['--status-port', String(port)] });
    expect((await manager.ended()).code).toBe(1);
    await manager.line('the refusal', (line) => line.code === 'HTTP_PORT_IN_USE');
    expect(existsSync(join(manager.dataDirectory, 'postmaster.pid'))).toBe(false);
  });
});

describe('arguments', () => {
  test('a parameter that PostgreSQL does not know', async () => {
    expect(await refusal({ server: ['-c', 'shared_bufers=1GB'] })).toMatchObject({
      code: 'PARAMETER_INVALID',
      exit: 1,
    });
  });
  test('a value that it refuses', async () => {
    expect(await refusal({ server: ['-c', 'max_connections=none'] })).toMatchObject({
      code: 'PARAMETER_INVALID',
    });
  });
  test('no server where it is looked for', async () => {
    const { code, exit } = await refusal({ options: ['--bindir', '/nowhere'] });
    expect([code, exit]).toEqual(['BINARY_MISSING', 1]);
  });
  test('a cluster file with problems, each with its place', async () => {
    const home = temporaryDirectory();
    writeFileSync(
      join(home, 'c.yaml'),
      'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: x}\nspec:\n  instanes: 1\n',
    );
    const { code, error } = await refusal({ home, options: ['--cluster-file', join(home, 'c.yaml')] });
    expect(code).toBe('BAD_CLUSTER_FILE');
    expect(error).toContain('c.yaml:5:3: unknown field spec.instanes; did you mean instances?');
  });
  test('a cluster file that is not there', async () => {
    const home = temporaryDirectory();
    const { code, error } = await refusal({ home, options: ['--cluster-file', join(home, 'c.yaml')] });
    expect(code).toBe('CLUSTER_UNREADABLE');
    expect(error).toContain('ENOENT');
  });
  test('an option of a newer operator is reported and passed over', async () => {
    const manager = await (await Manager.start({ options: ['--brand-new-option=1'] })).ready();
    await manager.message('unknown arguments ignored');
  });
  test.each([
    [['nonsense'], /unknown command/],
    [['instance', 'run', '--port', 'x'], /a port is a number/],
    [['instance', 'run', '--status-port-tls'], /TLS_NOT_AVAILABLE/],
    [['postgres', '-k', ''], /--socket-dir.*BAD_ARGUMENT/],
    [
      ['instance', 'run', '--port', '5433', '-c', 'listen_addresses=127.0.0.1'],
      /-c is no option of the manager.*BAD_ARGUMENT/,
    ],
    [['instance', 'status', '--nonsense'], /unknown option '--nonsense'/],
    [['instance', 'status', 'nonsense'], /too many arguments for 'status'/],
    [['debug'], /Usage: manager debug[\s\S]*state-machine/],
    [['debug', 'nonsense'], /unknown command 'nonsense'/],
  ])('%j', (args, message) => {
    const { code, stdout, stderr } = runManager(args);
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(message);
  });
});

describe('commands that only answer', () => {
  test('help, as a page', () => {
    const { code, stdout } = runManager(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Usage: manager[\s\S]*--cluster-file <file>[\s\S]*Environment:[\s\S]*Signals:[\s\S]*Exit status:/,
    );
  });
  test('without a command', () => expect(runManager([])).toMatchObject({ code: 0 }));
  test('version', () => {
    const told = /^manager \S+\ncommit [0-9a-f]{12}\nnode v26\.\S+\npostgresql \d+\.\d+.*, \/.*postgres\n$/;
    expect(runManager(['version']).stdout).toMatch(told);
    expect(runManager(['--version']).stdout).toMatch(told);
  });
  test('postgres --version is answered by the server itself', () => {
    const { code, stdout } = runManager(['postgres', '--version'], { PGDATA: temporaryDirectory() });
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^postgres \(PostgreSQL\) \d+/)]);
  });
});

describe.runIf(component('the right to mount', () => asRoot))('a full disk', () => {
  test('where WAL lies ends the start with status 4, and nothing else does', async () => {
    const first = await (await Manager.start()).ready();
    await first.stop();
    const wal = join(first.dataDirectory, 'pg_wal');
    const copy = join(first.home, 'wal-copy');
    const fill = () => run('sh', '-c', 'head -c 100m /dev/zero > "$1/fill" || true', 'sh', wal);
    run('cp', '-a', wal, copy);
    mount(wal, '-t', 'tmpfs', '-o', 'size=40m,mode=0777', 'tmpfs');
    run('cp', '-a', `${copy}/.`, wal);
    fill();
    const full = await Manager.start({ home: first.home });
    expect((await full.ended()).code).toBe(4);
    await full.line('the refusal', (line) => line.code === 'NO_SPACE');
    expect(readdirSync(wal).some((name) => name.startsWith('_cnpg_probe_'))).toBe(false);
    rmSync(join(wal, 'fill'));
    const again = await (await Manager.start({ home: first.home })).ready();
    fill();
    await eventually('not ready for want of space', async () => {
      const { reasons } = (await again.json('/readyz?format=json')) as { reasons: Array<{ code: string }> };
      return reasons.some((reason) => reason.code === 'DISK_FULL');
    });
    expect((await again.get('/healthz')).code).toBe(200);
    rmSync(join(wal, 'fill'));
    await again.ready();
    await again.stop();
  });
});

test('an internal error stops the server in order', async () => {
  const manager = await (
    await Manager.start({
      env: { NODE_OPTIONS: `--import ${join(import.meta.dirname, '..', 'fixtures', 'throw-on-usr2.ts')}` },
    })
  ).ready();
  manager.signal('SIGUSR2');
  expect((await manager.ended()).code).toBe(2);
  const report = await manager.line('the report', (line) => line.error === 'thrown on purpose');
  expect(report).toMatchObject({ code: 'INTERNAL', stacktrace: expect.stringContaining('throw-on-usr2.ts') });
  expect(manager.clusterState).toBe('shut down');
});
