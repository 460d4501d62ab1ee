import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeStartupAnswer, encodeStartupMessage } from '../../src/postgres/startup-message.ts';
import { findIdentity } from '../../src/process/identity.ts';

export const root = join(import.meta.dirname, '..', '..');
export const node = join(root, 'dist', 'node');
export const program = join(root, 'dist', 'manager.cjs');
export const bin = process.env.BENCH_BINDIR ?? '/usr/lib/postgresql/15/bin';

/** What programs run as: postgres refuses to be root's. */
export const identity: { uid?: number; gid?: number } = process.getuid?.() === 0 ? postgresUser() : {};

function postgresUser(): { uid: number; gid: number } {
  const uid = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
  const user = findIdentity(readFileSync('/etc/passwd', 'utf8'), uid);
  if (user === undefined) throw new Error('run as root, the bench needs a user named postgres');
  return { uid: user.uid, gid: user.gid };
}

/** Median, smallest and largest of several measurements. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const ordered = values.toSorted((a, b) => a - b);
  const middle = ordered.length >> 1;
  const median = ordered.length % 2 === 1 ? ordered[middle]! : (ordered[middle - 1]! + ordered[middle]!) / 2;
  return { median, min: ordered[0]!, max: ordered.at(-1)! };
}

/** The value below which the given part of all lies. */
export function percentile(values: readonly number[], part: number): number {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * part))]!;
}

/** One line of the result. */
export interface Row {
  readonly name: string;
  readonly manager: Spread;
  /** Of bare PostgreSQL, in the same run, in turns. */
  readonly bare?: Spread;
  readonly unit: string;
  readonly target: string;
  readonly met: boolean;
}

/** A place of its own, given to the user who runs the server. */
export class Place {
  readonly home: string;
  readonly port: number;
  readonly statusPort: number;

  private constructor(home: string, port: number, statusPort: number) {
    this.home = home;
    this.port = port;
    this.statusPort = statusPort;
  }

  static async make(): Promise<Place> {
    const home = mkdtempSync(join(tmpdir(), 'manager-bench-'));
    mkdirSync(join(home, 'run'));
    chmodSync(home, 0o755);
    const { uid, gid } = identity;
    if (uid !== undefined && gid !== undefined) {
      for (const path of [home, join(home, 'run')]) chownSync(path, uid, gid);
    }
    return new Place(home, await freePort(), await freePort());
  }

  /** Of the manager. */
  get data(): string {
    return join(this.home, 'data');
  }

  /** Of the server alone, which would otherwise wait for a reader of the manager's log pipes. */
  get bareData(): string {
    return join(this.home, 'bare-data');
  }

  initdb(directory: string): void {
    execFileSync(join(bin, 'initdb'), ['-D', directory, '-U', 'postgres'], {
      ...identity,
      stdio: 'ignore',
      env: environment,
    });
  }

  /** The server alone. */
  startBare(args: readonly string[] = []): ChildProcess {
    const own = ['-D', this.bareData, '-c', `port=${this.port}`, '-c', 'listen_addresses=127.0.0.1'];
    return spawn(
      join(bin, 'postgres'),
      [...own, '-c', `unix_socket_directories=${join(this.home, 'run')}`, ...args],
      {
        ...identity,
        stdio: 'ignore',
        env: environment,
      },
    );
  }

  /** The server under the manager; output goes to `stdout`. */
  startManaged(args: readonly string[] = [], stdout: 'ignore' | 'pipe' | number = 'ignore'): ChildProcess {
    const own = [
      ...['instance', 'run', '--pg-data', this.data, '--bindir', bin, '--port', String(this.port)],
      ...['--runtime-dir', join(this.home, 'run', 'private'), '--socket-dir', join(this.home, 'run')],
      ...['--status-port', String(this.statusPort), '--status-address', '127.0.0.1'],
    ];
    return spawn(node, [program, ...own, '--', '-c', 'listen_addresses=127.0.0.1', ...args], {
      ...identity,
      stdio: ['ignore', stdout, 'ignore'],
      env: { ...environment, POSTGRES_HOST_AUTH_METHOD: 'trust' },
    });
  }

  /** Milliseconds until a session is let in. */
  async untilAccepting(since: number): Promise<number> {
    for (;;) {
      if (await letsIn(this.port)) return performance.now() - since;
      if (performance.now() - since > 60_000) throw new Error('no session within 60 s');
    }
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

const environment = { PATH: process.env.PATH, LC_ALL: 'C' };

/** Resolves when a process has ended. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** Seconds on a processor of all threads, to the nanosecond: what the 10 ms of /proc/PID/stat are too coarse for. */
export function cpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, part) => sum + part, 0) / 1e9;
}

/** Bytes of anonymous memory. */
export function anonymousMemory(pid: number): number {
  return (
    Number(/^Anonymous:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1024
  );
}

/** A port of 127.0.0.1 that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function letsIn(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write(encodeStartupMessage('postgres', 'postgres')));
    socket.once('data', (chunk: Buffer) => finish(decodeStartupAnswer(chunk)?.kind === 'accepts'));
    socket.once('error', () => setTimeout(() => finish(false), 0.5));
    socket.once('close', () => resolve(false));
  });
}

/** Follows what a process uses, until it ends or `stop` is called. */
export class Usage {
  peak = 0;
  cpu = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => this.#look(pid), 10);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(pid: number): void {
    try {
      this.cpu = cpuSeconds(pid);
      this.peak = Math.max(this.peak, anonymousMemory(pid));
    } catch {
      this.stop();
    }
  }
}
