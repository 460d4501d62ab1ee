import { constants, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RecordSink } from '../../src/logs/record-sink.ts';
import { giveToServer } from '../support/cluster-home.ts';
import { component } from '../support/component.ts';
import { mkfifoSync } from '../support/fifo.ts';
import { eventually, Manager, runManager, temporaryDirectory } from '../support/manager.ts';
import { mount } from '../support/mount.ts';
import { hasTerminals, keys, onTerminal, Terminal } from '../support/terminal.ts';

const repository = join(import.meta.dirname, '..', '..');
const say = (severity: string, text: string) => `DO $$ BEGIN RAISE ${severity} '${text}'; END $$`;
/** More than a terminal and the bound for waiting records hold together. */
const flood = `DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE LOG '% %', i, repeat('x', 400); END LOOP; END $$`;

describe.runIf(hasTerminals)('a terminal', () => {
  const start = async () => (await Manager.start({ wrapper: onTerminal, stdin: 'pipe' })).ready();
  const press = (manager: Manager, key: keyof typeof keys) => manager.child.stdin?.write(keys[key]);
  const shown = (manager: Manager, severity: string, text: string) => {
    const line = new RegExp(`\\d\\d:\\d\\d\\.\\d{3} ${severity} +postgres +\\[postgres@postgres\\] ${text}`);
    return eventually(`"${text}" on the screen`, () => manager.text.split('\n').find((it) => line.test(it)));
  };

  test('shows text for people, and its Ctrl-C is an ordered stop', async () => {
    const manager = await start();
    await manager.query(say('LOG', 'as it is'));
    await manager.query(say('WARNING', 'in yellow'));
    expect(await shown(manager, 'LOG', 'as it is')).not.toContain('\u001b');
    expect((await shown(manager, 'WARNING', 'in yellow')).startsWith('\u001b[33m')).toBe(true);
    expect(manager.lines).toEqual([]);
    press(manager, 'interrupt');
    expect(await manager.ended()).toEqual({ code: 0, signal: null });
    expect(manager.clusterState).toBe('shut down');
  });

  test('held up by Ctrl-S stops nothing, and shows the rest after Ctrl-Q', async () => {
    const manager = await start();
    press(manager, 'stop');
    await manager.query(flood);
    expect((await manager.get('/healthz')).code).toBe(200);
    expect((await manager.get('/readyz')).code).toBe(200);
    expect(manager.text).not.toContain('20000 x');
    press(manager, 'go');
    await eventually('the report of the loss', () =>
      /log records dropped.*dropped_records=\d/.test(manager.text),
    );
    await manager.query(say('LOG', 'on it goes'));
    await shown(manager, 'LOG', 'on it goes');
  });

  test('held up by Ctrl-S does not keep the process from ending', async () => {
    const manager = await start();
    press(manager, 'stop');
    await manager.query(flood);
    process.kill(manager.processOne!, 'SIGTERM');
    expect(await manager.ended()).toEqual({ code: 0, signal: null });
    expect(manager.clusterState).toBe('shut down');
  });
});

test.runIf(hasTerminals)('the status on a terminal is a screen for people', async () => {
  const manager = await (await Manager.start({ options: ['--pod-name', 'pg-1'] })).ready();
  const words = ['npm', 'run', '--silent', 'manager', '--', 'instance', 'status'];
  const terminal = new Terminal(repository, [...words, '--status-port', String(manager.statusPort)]);
  expect(await terminal.ended()).toBe(0);
  expect(terminal.text).toMatch(/^Ready: +yes\r\nInstance: +pg-1\r\nRole: +primary\r\n/m);
});

describe('a destination', () => {
  async function logInto(path: string, ...options: readonly string[]): Promise<Manager> {
    return (await Manager.start({ options: ['--log-destination', path, ...options] })).ready();
  }

  test.each([
    ['is added to', [], /^written before\n\{.*\n/],
    ['is emptied first by --log-truncate-destination', ['--log-truncate-destination'], /^\{.*\n/],
  ])('that is a file with content %s', async (_, options, begin) => {
    const path = join(temporaryDirectory(), 'log.txt');
    writeFileSync(path, 'written before\n');
    giveToServer(path);
    const manager = await logInto(path, ...options);
    expect((await manager.stop()).code).toBe(0);
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(begin);
    expect(text).toContain('instance is stopped');
    expect(text).toMatch(/"commit":"[0-9a-f]{12}",.*"msg":"manager starts"/);
    expect(manager.lines).toEqual([]);
  });

  test('that is a FIFO may be without a reader; one that comes gets everything, truncated or not', async () => {
    const path = join(temporaryDirectory(), 'log.fifo');
    mkfifoSync(path);
    const manager = await logInto(path, '--log-truncate-destination');
    const reader = new Socket({
      fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
      writable: false,
    });
    onTestFinished(() => void reader.destroy());
    let text = '';
    reader.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    expect((await manager.stop()).code).toBe(0);
    await eventually('the last record', () => text.includes('the server has ended'));
    expect(text).toMatch(/^\{.*manager starts.*\n/);
  });
});

test('a record that is larger than what may wait comes out whole, when nothing else waits', async () => {
  const manager = await (await Manager.start()).ready();
  const sizes = [5, 15, 1].map((mebibytes) => mebibytes * 1024 * 1024);
  for (const size of sizes) {
    await manager.query(`DO $$ BEGIN RAISE LOG '%', 'large ' || repeat('x', ${size}); END $$`);
    await manager.line('it', ({ record }) => record?.message?.length === 'large '.length + size);
  }
  expect(manager.lines.filter(({ msg }) => msg?.includes('dropped') === true)).toEqual([]);
});

test('a destination that cannot be opened is refused with a code and status 2', () => {
  const destination = join(temporaryDirectory(), 'missing', 'log');
  const { code, stdout, stderr } = runManager(['instance', 'run', '--log-destination', destination], {
    PGDATA: join(temporaryDirectory(), 'data'),
  });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^manager: LOG_DESTINATION: .*missing\/log.*ENOENT/);
});

test.runIf(component('the right to mount', () => process.getuid?.() === 0))(
  'a disk that is full for a while gets every line once, and whole',
  async () => {
    const disk = join(temporaryDirectory(), 'disk');
    mkdirSync(disk);
    mount(disk, '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs');
    writeFileSync(join(disk, 'other'), Buffer.alloc(700 * 1024));
    const sink = new RecordSink({
      fd: openSync(join(disk, 'log'), 'a'),
      describeLoss: ({ records }) => `lost ${records}`,
    });
    const lines = Array.from({ length: 6_000 }, (_, index) => `${index} ${'x'.repeat(100)}`);
    sink.write(Buffer.from(`${lines.join('\n')}\n`), lines.length);
    const written = () => readFileSync(join(disk, 'log'), 'utf8');
    await eventually('the disk to be full', () => written().length >= 300 * 1024);
    rmSync(join(disk, 'other'));
    await eventually('the last line', () => written().includes(`${lines.at(-1)}\n`));
    expect(written().split('\n')).toEqual([...lines, '']);
  },
);
