import { closeSync, createReadStream, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, onTestFinished, test } from 'vitest';
import { csvFields } from '../../src/logs/record-fields.ts';
import { mkfifoSync } from '../support/fifo.ts';
import { eventually, type Line, Manager, temporaryDirectory } from '../support/manager.ts';
import { serverWithLast } from '../support/programs.ts';

const say = (text: string) => `DO $$ BEGIN RAISE LOG '${text}'; END $$`;
const said = (text: string) => (line: Line) => line.record?.message === text;

describe('records', () => {
  test('of an error, with the statement, in the shape of the contract', async () => {
    const manager = await (await Manager.start({ env: { POD_NAME: 'pg-1' } })).ready();
    const session = await manager.connect({ application_name: 'tester' });
    await expect(session.query('SELECT\n  nonsense -- "quoted"')).rejects.toThrow(/nonsense/);
    const line = await manager.line('the error', (entry) => entry.record?.error_severity === 'ERROR');
    expect(Object.keys(line).slice(0, 5)).toEqual(['level', 'ts', 'logger', 'msg', 'logging_pod']);
    expect(line).toMatchObject({ level: 'info', logger: 'postgres', msg: 'record', logging_pod: 'pg-1' });
    expect(line.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line.record).toMatchObject({
      log_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/),
      user_name: 'postgres',
      connection_from: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      sql_state_code: '42703',
      query: 'SELECT\n  nonsense -- "quoted"',
      application_name: 'tester',
      backend_type: 'client backend',
    });
    expect(Object.values(line.record!).every((value) => typeof value === 'string' && value !== '')).toBe(
      true,
    );
    await manager.stop();
    expect(manager.text).toBe('');
  });

  test('are the same, field by field, from jsonlog and from csvlog', async () => {
    const server = ['log_error_verbosity=verbose', 'log_statement=all', 'log_connections=on'];
    const home = temporaryDirectory();
    const manager = await Manager.start({
      home,
      server: server.flatMap((setting) => ['-c', setting]),
      options: ['--bindir', serverWithLast('-c log_destination=jsonlog,csvlog').directory],
    });
    await manager.ready();
    const session = await manager.connect();
    await session.query(say('with detail'));
    await session.query('SELECT 1 + length($1)', ['a "quoted"\nvalue\\']);
    await session.query('SET max_parallel_workers_per_gather = 2');
    await session.query('SELECT pg_rotate_logfile_does_not_exist()').catch(() => {});
    await session.query(`DO $$ BEGIN RAISE WARNING 'w' USING DETAIL = 'd', HINT = 'h'; END $$`);
    await session.end();
    await manager.stop();
    const text = readFileSync(join(home, 'run', 'private', 'log', 'server.csv'), 'utf8');
    const fromCsv = (parse(text) as string[][]).map((values) =>
      Object.fromEntries(
        csvFields.map((name, index) => [name, values[index]]).filter(([, value]) => value !== ''),
      ),
    );
    const fromJson = manager.lines.flatMap((line) => (line.record === undefined ? [] : [line.record]));
    expect(fromJson.length).toBeGreaterThan(20);
    // The two destinations number the lines of a session each for itself.
    const withoutNumber = (record: Record<string, string | undefined>) => ({
      ...record,
      session_line_num: '',
    });
    const inOrder = (records: object[]) =>
      records.map((record) => JSON.stringify(record)).toSorted((a, b) => a.localeCompare(b));
    expect(inOrder(fromJson.map(withoutNumber))).toEqual(inOrder(fromCsv.map(withoutNumber).map(sortLike)));
  });

  test('of what a child of the server prints; bytes that are no UTF-8 are replaced, and marked', async () => {
    const manager = await (await Manager.start()).ready();
    const print = (text: string) => `printf 'a child says ${text}\\n' >&2`;
    const program = `${print('caf\\351')}; ${print('tea')}`.replaceAll("'", "''");
    const session = await manager.connect();
    await session.query(`CREATE TABLE t(); COPY t FROM PROGRAM '${program}'`);
    const line = await manager.message('a child says caf');
    expect(line).toMatchObject({ logger: 'postgres', msg: 'a child says caf\ufffd', invalid_utf8: true });
    expect(await manager.message('a child says tea')).not.toHaveProperty('invalid_utf8');
  });

  test('are hidden by --log-level=error, and the server goes on', async () => {
    const manager = await (await Manager.start({ options: ['--log-level=error'] })).ready();
    await manager.query(say('hidden'));
    expect((await manager.stop()).code).toBe(0);
    expect(manager.lines).toEqual([]);
  });

  test('with other names for level and time, into a file', async () => {
    const home = temporaryDirectory();
    const options = [
      '--log-field-level=severity',
      '--log-field-timestamp=time',
      '--log-destination',
      join(home, 'run', 'log.txt'),
    ];
    const manager = await (await Manager.start({ home, options })).ready();
    await manager.query(say('into a file'));
    await manager.stop();
    const lines = readFileSync(join(home, 'run', 'log.txt'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const found = lines.find(said('into a file'));
    expect(found).toMatchObject({ severity: 'info', time: expect.stringContaining('T') });
    expect(found).not.toHaveProperty('level');
    expect(lines.every((line) => 'severity' in line && 'time' in line)).toBe(true);
  });

  test('as text for people', async () => {
    const manager = await (await Manager.start({ options: ['--log-format=text'] })).ready();
    await manager.query(say('for people'));
    await eventually('the line', () =>
      /^\d\d:\d\d:\d\d\.\d{3} LOG +postgres +\[postgres@postgres\] for people$/m.test(manager.text),
    );
  });
});

describe('a log pipe', () => {
  test('that is replaced by a file comes back, and nothing in the file is lost', async () => {
    const manager = await (await Manager.start()).ready();
    const pipe = join(manager.home, 'run', 'private', 'log', 'server.json');
    rmSync(pipe);
    writeFileSync(pipe, '{"timestamp":"t","error_severity":"LOG","message":"from the file"}\n');
    await manager.line('what the file held', said('from the file'));
    await manager.message('a log pipe was replaced');
    await eventually('records again', async () => {
      await manager.query(say('back again'));
      return manager.lines.some(said('back again'));
    });
  });

  test('that is missing at the start is made, a file there is read', async () => {
    const first = await (await Manager.start()).ready();
    await first.stop();
    const pipe = join(first.home, 'run', 'private', 'log', 'server.json');
    rmSync(pipe);
    writeFileSync(pipe, '{"timestamp":"t","error_severity":"LOG","message":"left behind"}\n');
    const second = await (await Manager.start({ home: first.home })).ready();
    await second.line('what was left', said('left behind'));
  });
});

describe('standard output', () => {
  const flood = `DO $$ BEGIN FOR i IN 1..40000 LOOP RAISE LOG 'record % of a flood: %', i, repeat('x', 400); END LOOP; END $$`;

  test('that nobody reads stops nothing; what was dropped is counted and told', async () => {
    const home = temporaryDirectory();
    const path = join(home, 'stdout');
    mkfifoSync(path);
    const reader = openSync(path, 'r+');
    const writer = openSync(path, 'w');
    const manager = await (await Manager.start({ home, stdout: writer })).ready();
    closeSync(writer);
    const before = residentMemory(manager);
    const session = await manager.connect();
    for (let round = 0; round < 4; round += 1) await session.query(flood);
    expect((await manager.get('/readyz')).code).toBe(200);
    expect(await manager.query('SELECT 1')).toBe(1);
    expect(residentMemory(manager) - before).toBeLessThan(120 * 1024 * 1024);
    let text = '';
    const stream = createReadStream('', { fd: reader, encoding: 'utf8' });
    onTestFinished(() => void stream.destroy());
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
    await eventually('the report of the loss', async () => {
      await session.query(say('still here'));
      return text.includes('log records dropped');
    });
    const lines = text.split('\n').slice(0, -1);
    const report = lines.find((line) => line.includes('log records dropped'))!;
    const { dropped_records: dropped } = JSON.parse(report) as { dropped_records: number };
    expect(dropped).toBeGreaterThan(1000);
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
    const flooded = lines.filter((line) => line.includes('of a flood')).length;
    expect(flooded + dropped).toBeGreaterThanOrEqual(160_000);
    expect((await manager.stop()).code).toBe(0);
  });

  test('that is closed stops nothing', async () => {
    const manager = await (await Manager.start()).ready();
    manager.child.stdout?.destroy();
    const session = await manager.connect();
    await session.query(flood);
    expect((await manager.get('/readyz')).code).toBe(200);
    expect((await manager.get('/healthz')).code).toBe(200);
    expect((await manager.stop()).code).toBe(0);
    expect(manager.clusterState).toBe('shut down');
  });

  test('that is a full device stops nothing', async () => {
    const full = openSync('/dev/full', 'w');
    const manager = await (await Manager.start({ stdout: full })).ready();
    closeSync(full);
    await manager.query(flood);
    expect((await manager.stop()).code).toBe(0);
  });
});

function residentMemory(manager: Manager): number {
  const status = readFileSync(`/proc/${manager.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Columns in the order in which the log shows them. */
function sortLike(record: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(csvFields.filter((name) => name in record).map((name) => [name, record[name]]));
}
