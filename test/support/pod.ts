import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import pg from 'pg';
import { eventually, type Line, node, program, withDeadline } from './manager.ts';
import type { PodAddress } from './pod-network.ts';

/**
 * What a kubelet would make for an instance: its own root directory over that of the machine, with the mounts of the contract
 * (contract 01, 3.5), process numbers of its own, in which the manager is process 1, and the network namespace of the Pod.
 */
const script = `
set -eu
home=$1; account=$2; shift 2
mount -t tmpfs -o size=64m tmpfs "$home/layer"
mkdir "$home/layer/upper" "$home/layer/work"
root="$home/root"
mount -t overlay -o "lowerdir=/,upperdir=$home/layer/upper,workdir=$home/layer/work" overlay "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir -p "$root/controller" "$root/run/secrets/kubernetes.io/serviceaccount" "$root/var/lib/postgresql/data" "$root$SOURCES"
mount --bind "$home/controller" "$root/controller"
mount --bind "$home/data" "$root/var/lib/postgresql/data"
mount --bind "$account" "$root/run/secrets/kubernetes.io/serviceaccount"
mount --bind "$home/hosts" "$root/etc/hosts"
mount --bind "$SOURCES" "$root$SOURCES"
exec chroot "$root" "$@"
`;

/** The clone: it may lie below /tmp, of which Pods have one of their own. */
const sources = join(import.meta.dirname, '..', '..');

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
  readonly env?: Readonly<Record<string, string>>;
}

/** One instance in a Pod; its container may be started again and again, on the same volumes. */
export class Pod {
  readonly name: string;
  readonly address: PodAddress;
  readonly lines: Line[] = [];
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
    const { name, cluster, namespace, address, apiPort, account, home, options = [], env } = this.#options;
    const words = [
      ...[
        'setpriv',
        '--pdeathsig',
        'KILL',
        'ip',
        'netns',
        'exec',
        address.namespace,
        'unshare',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child',
      ],
      ...['--propagation', 'private', 'sh', '-c', script, 'pod', home, account],
      ...[node, program, 'instance', 'run', '--status-port-tls', ...options],
    ];
    const child = spawn(words[0]!, words.slice(1), {
      env: {
        PATH: process.env.PATH,
        SOURCES: sources,
        PGDATA: '/var/lib/postgresql/data/pgdata',
        POD_NAME: name,
        CLUSTER_NAME: cluster,
        NAMESPACE: namespace,
        PGPORT: '5432',
        PGHOST: '/controller/run',
        KUBERNETES_SERVICE_HOST: 'kubernetes.default.svc',
        KUBERNETES_SERVICE_PORT: String(apiPort),
        ...env,
      },
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
    try {
      this.lines.push(JSON.parse(text) as Line);
    } catch {
      this.text += `${text}\n`;
    }
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
