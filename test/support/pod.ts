import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import pg from 'pg';
import { eventually, withDeadline } from './eventually.ts';
import { containerStart, type PodContainer, usualMounts } from './pod-container.ts';
import type { PodAddress } from './pod-network.ts';
import type { Line } from './sources.ts';

export interface PodOptions {
  readonly name: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly address: PodAddress;
  /** Port of the API server, at kubernetes.default.svc. */
  readonly apiPort: number;
  /** What is mounted as the service account. */
  readonly account: string;
  /** Directory of its own. */
  readonly home: string;
  readonly options?: readonly string[];
  /** Members that differ from those of an instance of the operator. */
  readonly container?: Partial<PodContainer>;
}

/** A program that was run to its end. */
export interface Execution {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One instance in a Pod; its container may be started again and again, on the same volumes. */
export class Pod {
  readonly name: string;
  readonly address: PodAddress;
  readonly lines: Line[] = [];
  /** Told of each line in the moment in which it comes. */
  onLine: (line: Line) => void = () => {};
  text = '';
  /** Containers that have ended: their exit statuses. */
  readonly ends: Array<number | null> = [];
  readonly #options: PodOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isWanted = false;

  constructor(options: PodOptions) {
    this.#options = options;
    this.name = options.name;
    this.address = options.address;
    for (const part of ['layer', 'root', 'controller', 'data']) {
      const path = join(options.home, part);
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o777);
    }
    writeFileSync(join(options.home, 'hosts'), '127.0.0.1 localhost\n');
  }

  /** Where the Service of the primary leads, and the API. In place: the file is mounted. */
  writeHosts(entries: ReadonlyArray<readonly [address: string, name: string]>): void {
    const lines = entries.map(([address, name]) => `${address} ${name}\n`);
    writeFileSync(join(this.#options.home, 'hosts'), `127.0.0.1 localhost\n${lines.join('')}`);
  }

  /** Starts the container, and again whenever it ends, as a kubelet does. */
  start(): void {
    this.#isWanted = true;
    const { address, home } = this.#options;
    const { words, env } = containerStart(this.#container, home, address.namespace);
    const child = spawn(words[0]!, words.slice(1), {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.#ended = new Promise((resolve) =>
      child.once('close', (code) => {
        this.ends.push(code);
        this.#child = undefined;
        resolve();
        if (this.#isWanted) this.start();
      }),
    );
  }

  /** What the operator would run, and what the kubelet tells every container of the API. */
  get #container(): PodContainer {
    const { name, cluster, namespace, apiPort, account, home, options = [], container } = this.#options;
    const env = container?.env ?? {
      PGDATA: '/var/lib/postgresql/data/pgdata',
      POD_NAME: name,
      CLUSTER_NAME: cluster,
      NAMESPACE: namespace,
      PGPORT: '5432',
      PGHOST: '/controller/run',
    };
    const api = {
      KUBERNETES_SERVICE_HOST: 'kubernetes.default.svc',
      KUBERNETES_SERVICE_PORT: String(apiPort),
    };
    return {
      command: ['manager', 'instance', 'run', '--status-port-tls', ...options],
      mounts: usualMounts(home, account),
      ...container,
      env: { ...env, ...api },
    };
  }

  /** Runs a program in the container, as `kubectl exec` does. */
  exec(...words: readonly string[]): Promise<Execution> {
    const { user } = this.#container;
    const one = this.processOne;
    if (one === undefined) throw new Error(`${this.name} does not run`);
    const environ = readFileSync(`/proc/${one}/environ`, 'utf8').split('\0').filter(Boolean);
    const as = user === undefined ? [] : ['--setuid', String(user), '--setgid', String(user)];
    const namespaces = ['--target', String(one), '--mount', '--pid', '--net', '--root', '--wdns=/', ...as];
    const { promise, resolve } = Promise.withResolvers<Execution>();
    const env = Object.fromEntries(environ.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
    execFile('nsenter', [...namespaces, ...words], { env, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    return promise;
  }

  /** Process 1 of the container, by its number outside; undefined while there is none. */
  get processOne(): number | undefined {
    let pid = this.#child?.pid;
    // unshare forks, and its child is process 1 of the new namespace.
    for (let depth = 0; depth < 3 && pid !== undefined; depth += 1) {
      if (isProcessOne(pid)) return pid;
      const path = `/proc/${pid}/task/${pid}/children`;
      pid = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined : undefined;
    }
    return undefined;
  }

  signal(signal: NodeJS.Signals): void {
    const one = this.processOne;
    if (one !== undefined) process.kill(one, signal);
  }

  /** As the kubelet when the Pod is deleted: TERM, and no new container. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.signal('SIGTERM');
    await withDeadline(`${this.name} to end`, this.#ended, () => this.report());
  }

  /** The machine is gone: every process at once, and no new container. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    this.signal('SIGKILL');
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  line(what: string, isIt: (line: Line) => boolean, from = 0): Promise<Line> {
    return eventually(`${this.name}: the log line "${what}"`, () => this.lines.slice(from).find(isIt)).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${this.report()}`);
      },
    );
  }

  message(text: string, from = 0): Promise<Line> {
    return this.line(text, (line) => line.msg?.includes(text) === true, from);
  }

  /** Asks the status server, as a kubelet or the operator does; code 0 when it does not answer. */
  get(path: string): Promise<{ code: number; body: string }> {
    return new Promise((resolve) => {
      const failed = () => resolve({ code: 0, body: '' });
      const asked = request(
        {
          host: this.address.address,
          port: 8000,
          path,
          rejectUnauthorized: false,
          agent: false,
          timeout: 5_000,
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk;
          });
          response.on('end', () => resolve({ code: response.statusCode ?? 0, body })).on('error', failed);
        },
      );
      asked.on('error', failed).on('timeout', () => asked.destroy());
      asked.end();
    });
  }

  /** A session as the superuser, over the network, that has not been connected yet. */
  client(password: string): pg.Client {
    const client = new pg.Client({
      ...{ host: this.address.address, port: 5432, user: 'postgres', database: 'postgres', password },
      ssl: { rejectUnauthorized: false },
      connectionTimeoutMillis: 2_000,
    });
    client.on('error', () => {});
    return client;
  }

  report(): string {
    return [
      `${this.name}:`,
      ...this.lines
        .filter(({ logger }) => logger !== 'postgres')
        .slice(-25)
        .map((line) => JSON.stringify(line).slice(0, 300)),
      this.text,
    ].join('\n');
  }

  #take(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      this.text += `${text}\n`;
      return;
    }
    this.lines.push(line);
    this.onLine(line);
  }
}

/** Of a namespace below ours. */
function isProcessOne(pid: number): boolean {
  try {
    const numbers = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split('\t');
    return numbers !== undefined && numbers.length > 1 && numbers.at(-1) === '1';
  } catch {
    return false;
  }
}
