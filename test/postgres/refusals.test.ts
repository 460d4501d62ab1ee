import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { giveToServer } from '../support/cluster-home.ts';
import { component, hasProgram } from '../support/component.ts';
import { Manager, runManager, temporaryDirectory } from '../support/manager.ts';
import { mayMount, mount } from '../support/mount.ts';
import { lastingPort } from '../support/ports.ts';
import { refusal } from '../support/refusal.ts';

const asRoot = process.getuid?.() === 0;
const isRoot = component('root', () => asRoot);
const canMount = component('the right to mount', () => hasProgram('unshare'), mayMount);
const stranger = { uid: 54_321, gid: 54_321 };

/** A file system as this test wants it, which nobody else sees. */
const changed = (commands: string) => ['unshare', '--mount', 'sh', '-c', `${commands} && exec "$@"`, 'sh'];

const wrapperLibrary = 'libnss_wrapper.so';
/** Where it lies, if anywhere. */
const libraries = () =>
  readdirSync('/usr/lib')
    .map((name) => join('/usr/lib', name))
    .filter((directory) => existsSync(join(directory, wrapperLibrary)));

/** A database that was made and stopped. */
async function made(): Promise<Manager> {
  const manager = await (await Manager.start()).ready();
  await manager.stop();
  return manager;
}

describe('PGDATA', () => {
  test('that is empty, and open to everybody, is tightened before a database is made in it', async () => {
    const home = temporaryDirectory();
    const data = join(home, 'data');
    mkdirSync(data);
    giveToServer(data);
    chmodSync(data, 0o777);
    const manager = await (await Manager.start({ home })).ready();
    expect((statSync(data).mode & 0o777).toString(8)).toBe('700');
    expect((await manager.stop()).code).toBe(0);
  });

  test.runIf(canMount)('that is open to everybody and cannot be tightened', async () => {
    const { home, dataDirectory } = await made();
    chmodSync(dataDirectory, 0o777);
    mount(dataDirectory, '--bind', '-o', 'ro', dataDirectory);
    const { code, exit, error } = await refusal({ home });
    expect([code, exit]).toEqual(['PGDATA_MODE', 1]);
    expect(error).toMatch(/777.*EROFS/);
  });

  test.runIf(isRoot)('that belongs to another user', async () => {
    const { home, dataDirectory } = await made();
    const { code, exit, error } = await refusal({ home, user: stranger });
    expect([code, exit]).toEqual(['PGDATA_OWNER', 1]);
    const { uid } = statSync(dataDirectory);
    expect(error).toContain(`${dataDirectory} belongs to user ${uid}, the server would run as 54321`);
  });

  test.runIf(isRoot)('that cannot be made', async () => {
    const { code, exit, error } = await refusal({ user: stranger });
    expect([code, exit]).toEqual(['PGDATA_UNREADABLE', 1]);
    expect(error).toMatch(/data cannot be created: EACCES/);
  });

  test('below something that is no directory', async () => {
    const { code, error } = await refusal({ options: ['--pg-data', '/dev/null/data'] });
    expect(code).toBe('PGDATA_UNREADABLE');
    expect(error).toContain('ENOTDIR');
  });

  test.runIf(canMount)('that is empty where an older image kept its data one level above', async () => {
    const older = '/var/lib/postgresql/data';
    const wrapper = changed(
      `mount -t tmpfs tmpfs /var/lib/postgresql && mkdir ${older} && echo 15 >${older}/PG_VERSION`,
    );
    const options = ['--pg-data', '/var/lib/postgresql/18/docker'];
    const { code, exit, error } = await refusal({ wrapper, options });
    expect([code, exit]).toEqual(['PGDATA_ELSEWHERE', 1]);
    expect(error).toContain(`${older} does`);
  });
});

describe('directories for sockets and pipes', () => {
  test.each([
    ['that cannot be made', ['--runtime-dir', '/dev/null/run']],
    ['whose path is longer than an address may be', ['--socket-dir', `/tmp/${'long/'.repeat(20)}`]],
  ])('%s', async (_, options) => {
    const directory = options.at(-1)!;
    const { code, exit, error } = await refusal({ options });
    expect([code, exit]).toEqual(['RUNTIME_DIRECTORY', 1]);
    expect(error).toContain(directory);
  });

  test.runIf(isRoot)('that somebody else has prepared for us', async () => {
    const home = temporaryDirectory();
    const log = join(home, 'trap', 'log');
    mkdirSync(log, { recursive: true });
    for (const path of [join(home, 'trap'), log]) chmodSync(path, 0o777);
    chownSync(log, stranger.uid, stranger.gid);
    const { code, error } = await refusal({ home, options: ['--runtime-dir', join(home, 'trap')] });
    expect(code).toBe('RUNTIME_DIRECTORY');
    expect(error).toContain('belongs to somebody else');
    expect(readdirSync(log)).toEqual([]);
  });
});

test('the socket of PostgreSQL taken, though not the port', async () => {
  const first = await (await Manager.start()).ready();
  const options = ['--socket-dir', join(first.home, 'run')];
  const server = ['-c', 'listen_addresses=127.0.0.2'];
  expect(await refusal({ port: first.port, options, server })).toMatchObject({
    code: 'PORT_IN_USE',
    exit: 1,
  });
  expect(await first.query('SELECT 1', { host: join(first.home, 'run') })).toBe(1);
});

test('no manager where its status is asked for', async () => {
  const port = await lastingPort();
  const { code, stdout, stderr } = runManager(['instance', 'status', '--status-port', String(port)]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(`manager: STATUS_UNREACHABLE: 127.0.0.1:${port}`);
});

describe.runIf(isRoot)('users', () => {
  test.runIf(component('setpriv', () => hasProgram('setpriv')))(
    'root without the right to become another one starts nothing',
    async () => {
      const lost = '-setuid,-setgid';
      const manager = await Manager.start({
        wrapper: ['setpriv', '--inh-caps', lost, '--bounding-set', lost],
      });
      expect((await manager.ended()).code).toBe(1);
      await manager.line('the refusal', (line) => line.code === 'CANNOT_STEP_DOWN');
      expect(readdirSync(manager.dataDirectory)).toEqual([]);
    },
  );

  test.runIf(canMount)('one without a name, where no library can lend it one', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'data'), { mode: 0o700 });
    chownSync(join(home, 'data'), stranger.uid, stranger.gid);
    // A directory of libraries from which that one is gone, for this process alone.
    const layer = join(home, 'layer');
    mkdirSync(layer);
    const hidden = libraries().map(
      (directory) => `mount -t tmpfs tmpfs ${layer} && mkdir ${layer}/upper ${layer}/work &&
        mount -t overlay -o lowerdir=${directory},upperdir=${layer}/upper,workdir=${layer}/work overlay ${directory} &&
        rm ${directory}/${wrapperLibrary}`,
    );
    const wrapper = changed(['true', ...hidden].join(' && '));
    const { code, exit, error } = await refusal({
      home,
      wrapper: [...wrapper, 'setpriv', '--reuid', '54321', '--regid', '54321', '--clear-groups'],
    });
    expect([code, exit]).toEqual(['USER_WITHOUT_NAME', 1]);
    expect(error).toContain('user 54321 is in no passwd file');
  });
});
