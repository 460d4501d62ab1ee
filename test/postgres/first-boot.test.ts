import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readIfPresent } from '../../src/instance/atomic-file.ts';
import { component } from '../support/component.ts';
import { homeWith, remains } from '../support/first-boot.ts';
import { eventually, Manager, temporaryDirectory } from '../support/manager.ts';
import { mayMount, mount } from '../support/mount.ts';

const record = (what: string) => `INSERT INTO trace(what) VALUES ('${what}');`;

describe('files of the initialisation directory', () => {
  test('of every kind run in the order of their names', async () => {
    const home = homeWith({
      '00-table.sql': 'CREATE TABLE trace(id serial, what text);\n\\echo commands of psql work\n',
      '10-executable.sh+x': `#!/bin/sh\nset -e\npsql -v ON_ERROR_STOP=1 -c "${record('executable')}"\n`,
      '20-sourced.sh': `psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<-EOSQL\n\t${record('sourced')}\nEOSQL\n`,
      '30-plain.sql': record('plain'),
      '40-gzip.sql.gz': gzipSync(record('gzip')),
      '50-xz.sql.xz': execFileSync('xz', ['-c'], { input: record('xz') }),
      '60-zstd.sql.zst': zstdCompressSync(record('zstd')),
      '70-function.sh': `docker_process_sql -c "${record('function')}"\n`,
      'README.md': 'not run',
    });
    const manager = await (
      await Manager.start({ home, env: { POSTGRES_DB: 'shop', POSTGRES_USER: 'owner' } })
    ).ready();
    const found = await manager.query('SELECT string_agg(what, $$ $$ ORDER BY id) FROM trace', {
      user: 'owner',
      database: 'shop',
    });
    expect(found).toBe('executable sourced plain gzip xz zstd function');
    await manager.message('file ignored');
    await manager.stop();
    const again = await (
      await Manager.start({ home, env: { POSTGRES_DB: 'shop', POSTGRES_USER: 'owner' } })
    ).ready();
    expect(await again.query('SELECT count(*)::int FROM trace', { user: 'owner', database: 'shop' })).toBe(7);
  });

  test('work on a server that nobody else can reach', async () => {
    const home = homeWith({
      '00-wait.sh':
        'touch "$PGDATA/../run/waiting"; while [ ! -e "$PGDATA/../run/go" ]; do sleep 0.02; done\n',
    });
    const manager = await Manager.start({ home });
    await eventually('the script', () => existsSync(join(home, 'run', 'waiting')));
    expect((await manager.get('/readyz')).code).toBe(500);
    expect((await manager.get('/startupz')).body).toMatch(/a new database is made: 00-wait\.sh/);
    expect((await manager.get('/healthz')).code).toBe(200);
    await expect(manager.connect()).rejects.toThrow(/ECONNREFUSED/);
    expect(existsSync(join(home, 'run', `.s.PGSQL.${manager.port}`))).toBe(false);
    writeFileSync(join(home, 'run', 'go'), '');
    await manager.ready();
  });

  test('work on a server with the arguments of the server proper, but for those that would let others in', async () => {
    const server = ['-c', 'work_mem=33MB', '--max-connections=17', '-c', 'synchronous_standby_names=*'];
    const names = ['work_mem', 'max_connections', 'listen_addresses', 'synchronous_standby_names'];
    const values = names.map((name) => `current_setting('${name}')`).join();
    const home = homeWith({ '00.sql': `CREATE TABLE seen AS SELECT ARRAY[${values}] AS values;` });
    const manager = await (await Manager.start({ home, server })).ready();
    expect(await manager.query('SELECT values FROM seen')).toEqual(['33MB', '17', '', '']);
  });

  test('are not run when the server does not start with its arguments, which is told', async () => {
    const home = homeWith({ '00.sql': 'SELECT 1' });
    const manager = await Manager.start({ home, server: ['-c', 'nonsense=1'] });
    expect((await manager.ended()).code).toBe(1);
    await manager.line('the reason', (line) => line.code === 'PARAMETER_INVALID');
  });

  test('that fail end it, and the next start begins anew', async () => {
    const home = homeWith({ '10-broken.sql': 'CREATE TABLE one();\nSELECT nonsense;\n' });
    const manager = await Manager.start({ home });
    expect((await manager.ended()).code).toBe(1);
    expect(await manager.line('the reason', (line) => line.code === 'INIT_SCRIPT_FAILED')).toMatchObject({
      error: expect.stringContaining('10-broken.sql'),
    });
    expect(existsSync(join(manager.dataDirectory, 'postmaster.pid'))).toBe(false);
    writeFileSync(join(home, 'init.d', '10-broken.sql'), 'CREATE TABLE two();');
    const second = await (await Manager.start({ home })).ready();
    expect(await second.query("SELECT to_regclass('one') IS NULL AND to_regclass('two') IS NOT NULL")).toBe(
      true,
    );
    expect(remains(second)).toHaveLength(1);
  });

  test('may leave something running that keeps their output open', async () => {
    const home = homeWith({
      '00.sh+x': '#!/bin/sh\nsleep 1000 &\necho $! >"$PGDATA/../run/left"\necho done\n',
    });
    const manager = await Manager.start({ home });
    const left = await eventually(
      'the process',
      () => Number(readIfPresent(join(home, 'run', 'left'))) || undefined,
    );
    onTestFinished(() => {
      if (readIfPresent(`/proc/${left}/comm`) === 'sleep\n') process.kill(left, 'SIGKILL');
    });
    await manager.ready();
    await manager.message('done');
    expect(readIfPresent(`/proc/${left}/comm`)).toBe('sleep\n');
  });

  test('a compressed file that is cut short is an error', async () => {
    const whole = gzipSync(`${record('x')}\n`.repeat(1000));
    const home = homeWith({
      '00.sql': 'CREATE TABLE trace(what text);',
      '10.sql.gz': whole.subarray(0, whole.length - 12),
    });
    const manager = await Manager.start({ home });
    expect((await manager.ended()).code).toBe(1);
    await manager.line('the reason', (line) => line.code === 'INIT_SCRIPT_FAILED');
  });
});

describe('that cannot be', () => {
  test('for a parameter in the file of the Cluster', async () => {
    const home = homeWith({ '00.sql': 'SELECT 1' });
    const path = join(home, 'cluster.yaml');
    writeFileSync(
      path,
      'apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: demo}\nspec: {postgresql: {parameters: {work_mem: lots}}}\n',
    );
    const manager = await Manager.start({ home, options: ['--cluster-file', path] });
    expect((await manager.ended()).code).toBe(1);
    await manager.line('the reason', (line) => line.code === 'PARAMETER_INVALID');
  });

  test.runIf(component('the right to mount', mayMount))('for want of space', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'data'));
    mount(join(home, 'data'), '-t', 'tmpfs', '-o', 'size=12m,mode=0777', 'tmpfs');
    const manager = await Manager.start({ home });
    expect((await manager.ended()).code).toBe(4);
    await manager.line('the reason', (line) => line.code === 'NO_SPACE');
  });
});

describe('passwords', () => {
  test('are asked for as the image does', async () => {
    const manager = await Manager.start({ authentication: {} });
    expect((await manager.ended()).code).toBe(1);
    expect(await manager.line('the refusal', (line) => line.code === 'NO_PASSWORD')).toMatchObject({
      remedy: expect.stringContaining('POSTGRES_PASSWORD'),
    });
    expect(readdirSync(manager.home)).not.toContain('postmaster.pid');
  });

  test('from a file, needed over TCP, and never shown', async () => {
    const home = temporaryDirectory();
    const secret = "pa'ss wörd \\ 7";
    writeFileSync(join(home, 'secret'), `${secret}\n`);
    const authentication = { POSTGRES_PASSWORD_FILE: join(home, 'secret') };
    const manager = await (await Manager.start({ home, authentication })).ready();
    // initdb trusts 127.0.0.1, as in the image: what counts is whether the password was set.
    expect(
      await manager.query(
        'SELECT rolpassword LIKE $$SCRAM-SHA-256%$$ FROM pg_authid WHERE rolname = current_user',
      ),
    ).toBe(true);
    expect(await manager.query("SELECT auth_method FROM pg_hba_file_rules WHERE address = 'all'")).toBe(
      'scram-sha-256',
    );
    await manager.stop();
    expect(JSON.stringify(manager.lines) + manager.text).not.toContain('wörd');
  });

  const newest = join(
    import.meta.dirname,
    '..',
    'setup',
    'majors',
    'node_modules',
    'postgres-18',
    'native',
    'bin',
  );
  test.runIf(component('the embedded server 18', () => existsSync(join(newest, 'postgres'))))(
    'are not shown by initdb, not even when it logs its statements',
    async () => {
      const authentication = {
        POSTGRES_PASSWORD: "sek'ret9",
        POSTGRES_INITDB_ARGS: '-c log_statement=all',
        LC_ALL: 'C',
      };
      const manager = await Manager.start({ authentication, options: ['--bindir', newest] });
      const line = await manager.message('ALTER USER');
      expect(line).toMatchObject({ logger: 'initdb', msg: expect.stringContaining('PASSWORD [secret]') });
      await manager.ready();
      expect((await manager.stop()).code).toBe(0);
      expect(JSON.stringify(manager.lines) + manager.text).not.toMatch(/sek'{1,2}ret9/);
    },
  );

  test('in the environment reach neither the server nor its sessions', async () => {
    const authentication = { POSTGRES_PASSWORD: 'very-secret-7' };
    const manager = await (await Manager.start({ authentication })).ready();
    const session = await manager.connect();
    await session.query("CREATE TABLE seen(line text); COPY seen FROM PROGRAM 'env'");
    const { rows } = await session.query('SELECT line FROM seen');
    const environment = JSON.stringify(rows);
    expect(environment).toContain('PG_OOM_ADJUST_VALUE');
    expect(environment).not.toContain('very-secret-7');
  });

  test.each([
    [
      { POSTGRES_PASSWORD: 'a', POSTGRES_PASSWORD_FILE: '/b' },
      /both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE/,
    ],
    [{ POSTGRES_PASSWORD_FILE: '/nowhere/secret' }, /POSTGRES_PASSWORD_FILE: ENOENT/],
  ])('given wrongly: %j', async (authentication, message) => {
    const manager = await Manager.start({ authentication: authentication as Record<string, string> });
    expect((await manager.ended()).code).toBe(1);
    const refusal = await manager.line('the refusal', (line) => line.code === 'SECRET_UNREADABLE');
    expect(refusal.error).toMatch(message);
  });
});

describe.runIf(
  component(
    'a user without a name (as root, with libnss-wrapper)',
    () => process.getuid?.() === 0 && existsSync('/usr/share/doc/libnss-wrapper'),
  ),
)('a user that is in no passwd file', () => {
  test('makes a database, and has a name in scripts but not in the server', async () => {
    const home = homeWith({ '00.sh': 'id -un > "$PGDATA/../run/name"\n', '10.sql': 'CREATE TABLE made();' });
    const user = { uid: 54_321, gid: 0 };
    mkdirSync(join(home, 'data'), { mode: 0o700 });
    chownSync(join(home, 'data'), user.uid, user.gid);
    const manager = await (await Manager.start({ home, user })).ready();
    expect(readFileSync(join(home, 'run', 'name'), 'utf8')).toBe('postgres\n');
    expect(await manager.query("SELECT to_regclass('made') IS NOT NULL")).toBe(true);
    const environment = readFileSync(`/proc/${manager.postmasterPid}/environ`, 'utf8');
    expect(environment).not.toMatch(/LD_PRELOAD|NSS_WRAPPER/);
    expect(readFileSync(`/proc/${manager.postmasterPid}/maps`, 'utf8')).not.toContain('nss_wrapper');
  });
});

test('arguments for initdb and a directory for WAL', async () => {
  const home = temporaryDirectory();
  const env = {
    POSTGRES_INITDB_ARGS: `--data-checksums --locale 'C'`,
    POSTGRES_INITDB_WALDIR: join(home, 'run', 'wal'),
  };
  const manager = await (await Manager.start({ home, env })).ready();
  expect(await manager.query('SHOW data_checksums')).toBe('on');
  expect(readdirSync(join(home, 'run', 'wal')).some((name) => /^[0-9A-F]{24}$/.test(name))).toBe(true);
});

test('a Cluster: owner, database, SQL in three places, no way in without a password', async () => {
  const home = temporaryDirectory();
  const spec = `
  postgresql:
    parameters: {work_mem: 7MB}
    pg_hba: ["host app app 127.0.0.1/32 trust"]
  bootstrap:
    initdb:
      database: app
      owner: app
      postInitSQL: ["CREATE ROLE reader"]
      postInitTemplateSQL: ["CREATE TABLE from_template()"]
      postInitApplicationSQL: ["CREATE TABLE first(); CREATE TABLE second()"]
  storage: {size: 1Gi}`;
  const text = `apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: demo}\nspec:${spec}\n`;
  writeFileSync(join(home, 'cluster.yaml'), text);
  const manager = await (
    await Manager.start({ home, options: ['--cluster-file', join(home, 'cluster.yaml')], authentication: {} })
  ).ready();
  const app = { user: 'app', database: 'app' };
  const sql = `SELECT current_setting('work_mem'), to_regclass('first') IS NOT NULL AND to_regclass('from_template') IS NOT NULL`;
  const { rows } = await (await manager.connect(app)).query({ text: sql, rowMode: 'array' });
  expect(rows).toEqual([['7MB', true]]);
  await expect(manager.connect()).rejects.toThrow(/password/);
  expect(await manager.message('spec.storage has no effect')).toMatchObject({ level: 'warning', line: 15 });
  expect(await manager.query('SHOW cluster_name', app)).toBe('demo');
  expect(await manager.json('/pg/status')).toMatchObject({ isPrimary: true });
});
