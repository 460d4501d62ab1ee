import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { parseControlFile } from '../../src/postgres/control-file.ts';
import { eventually, patience, withDeadline } from './eventually.ts';
import { lastingPort } from './ports.ts';
import { type Line, node, program } from './sources.ts';

/** Most tests that wait for something wait for a manager. */
export { eventually, withDeadline } from './eventually.ts';
export type { Line } from './sources.ts';

type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** A directory of its own for one test, removed after it. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'manager-test-'));
  chmodSync(directory, 0o755);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

interface StartOptions {
  /** Directory of an earlier start, to be used again. */
  readonly home?: string;
  readonly env?: Record<string, string>;
  /** Options of the manager. */
  readonly options?: readonly string[];
  /** Arguments for the server. */
  readonly server?: readonly string[];
  /** Who it is from the beginning; only root may choose. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Words before the program, such as those of unshare. */
  readonly wrapper?: readonly string[];
  readonly port?: number;
  readonly stdin?: 'pipe' | 'ignore';
  readonly stdout?: 'pipe' | 'ignore' | number;
  /** Default: trust, which needs no password. */
  readonly authentication?: Record<string, string>;
}

/** One running manager, from its sources, on its own directories and ports. */
export class Manager {
  readonly home: string;
  readonly port: number;
  readonly statusPort: number;
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  /** Standard error, and standard output that is no JSON. */
  text = '';
  readonly exited: Promise<Exit>;
  readonly #isWrapped: boolean;
  #rest = '';

  private constructor(
    home: string,
    port: number,
    statusPort: number,
    child: ChildProcess,
    isWrapped: boolean,
  ) {
    this.#isWrapped = isWrapped;
    this.home = home;
    this.port = port;
    this.statusPort = statusPort;
    this.child = child;
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
  }

  static async start(options: StartOptions = {}): Promise<Manager> {
    const home = options.home ?? temporaryDirectory();
    const port = options.port ?? (await lastingPort());
    const statusPort = await lastingPort();
    const run = join(home, 'run');
    mkdirSync(run, { recursive: true });
    if (process.getuid?.() === 0) chmodSync(run, 0o777);
    const own = [
      ...['--pg-data', join(home, 'data'), '--runtime-dir', join(run, 'private'), '--socket-dir', run],
      ...['--init-dir', join(home, 'init.d'), '--port', String(port)],
      ...['--status-port', String(statusPort), '--status-address', '127.0.0.1', ...(options.options ?? [])],
    ];
    const args = [
      program,
      ...['instance', 'run', ...own, '--'],
      '-c',
      'listen_addresses=127.0.0.1',
      ...(options.server ?? []),
    ];
    const words = [...(options.wrapper ?? []), node, ...args];
    const child = spawn(words[0]!, words.slice(1), {
      env: {
        PATH: process.env.PATH,
        HOME: '/nonexistent',
        LC_ALL: 'C',
        ...(options.authentication ?? { POSTGRES_HOST_AUTH_METHOD: 'trust' }),
        ...options.env,
      },
      stdio: [options.stdin ?? 'ignore', options.stdout ?? 'pipe', 'pipe'],
      detached: true,
      ...options.user,
    });
    const manager = new Manager(home, port, statusPort, child, options.wrapper !== undefined);
    onTestFinished(() => manager.destroy());
    return manager;
  }

  get dataDirectory(): string {
    return join(this.home, 'data');
  }

  get clusterState(): string | undefined {
    return parseControlFile(readFileSync(join(this.dataDirectory, 'global', 'pg_control')))?.clusterState;
  }

  /** Process id of the server, from its own file. */
  get postmasterPid(): number | undefined {
    const path = join(this.dataDirectory, 'postmaster.pid');
    return existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : undefined;
  }

  /** Where the manager is process 1 of a namespace: its number outside. */
  get processOne(): number | undefined {
    if (!this.#isWrapped || this.child.exitCode !== null) return undefined;
    const path = `/proc/${this.child.pid}/task/${this.child.pid}/children`;
    return existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined : undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it in order and tells how it ended. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return this.ended();
  }

  ended(): Promise<Exit> {
    return withDeadline('the manager to end', this.exited, () => this.report());
  }

  /** A log line, one that was there already or one to come. */
  line(what: string, isIt: (line: Line) => boolean): Promise<Line> {
    return eventually(`the log line "${what}"`, () => this.lines.find(isIt)).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.report()}`);
    });
  }

  message(text: string): Promise<Line> {
    return this.line(text, (line) => line.msg?.includes(text) === true);
  }

  /** Waits until clients are welcome. */
  async ready(): Promise<this> {
    const isGone = this.exited.then(() => {
      throw new Error(`the manager ended before it was ready\n${this.report()}`);
    });
    const answers = eventually('readiness', async () => (await this.get('/readyz')).code === 200);
    await Promise.race([answers, isGone]).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.report()}`);
    });
    return this;
  }

  /** Asks the status server; code 0 when it does not answer. */
  get(path: string): Promise<{ code: number; body: string }> {
    return new Promise((resolve) => {
      const failed = () => resolve({ code: 0, body: '' });
      const request = get({ host: '127.0.0.1', port: this.statusPort, path, timeout: 5_000 }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ code: response.statusCode ?? 0, body })).on('error', failed);
      });
      request.on('error', failed).on('timeout', () => request.destroy());
    });
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.get(path)).body) as Record<string, unknown>;
  }

  /** One session, ended with the test. */
  async connect(options: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
      ...options,
    });
    client.on('error', () => {});
    await client.connect();
    onTestFinished(() => void client.end().catch(() => {}));
    return client;
  }

  /** The first column of the first row. */
  async query(sql: string, options: pg.ClientConfig = {}): Promise<unknown> {
    const client = await this.connect(options);
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    await client.end();
    return (rows[0] as unknown[] | undefined)?.[0];
  }

  /** Everything that was logged, for the message of a failure. */
  report(): string {
    return [...this.lines.slice(-40).map((line) => JSON.stringify(line)), this.text].join('\n');
  }

  /** Makes an end of whatever is left, server included. */
  async destroy(): Promise<void> {
    const server = this.postmasterPid;
    const inner = this.processOne;
    // A process that has changed its user is not killed with its parent: the namespace ends with its process 1.
    if (inner !== undefined) process.kill(inner, 'SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    if (server !== undefined && isServerOf(server, this.dataDirectory)) process.kill(server, 'SIGQUIT');
    await this.exited;
    if (server !== undefined)
      await eventually('the server to be gone', () => !isServerOf(server, this.dataDirectory));
  }

  #take(chunk: string): void {
    const parts = (this.#rest + chunk).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      try {
        this.lines.push(JSON.parse(part) as Line);
      } catch {
        this.text += `${part}\n`;
      }
    }
  }
}

/** Runs a command line of the manager to its end. */
export function runManager(
  args: readonly string[],
  env: Record<string, string> = {},
): { code: number; stdout: string; stderr: string } {
  try {
    const stdout = execFileSync(node, [program, ...args], {
      env: { PATH: process.env.PATH, ...env },
      encoding: 'utf8',
      timeout: patience,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { code: 0, stdout, stderr: '' };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, stdout, stderr };
  }
}

/** Never kill a process that is not the server of this test, whose number may have gone to somebody else. */
export function isServerOf(pid: number, dataDirectory: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(dataDirectory);
  } catch {
    return false;
  }
}
