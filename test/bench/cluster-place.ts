import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { childrenOf, signalProcess } from '../../src/process/proc.ts';
import { bin, ended, freePort, identity, node, program } from './support.ts';

const environment = { PATH: process.env.PATH, LC_ALL: 'C' };
/** Milliseconds that anything here may take. */
const patience = 120_000;

/** One instance of a cluster of the bench. */
export interface Member {
  readonly name: string;
  readonly data: string;
  readonly port: number;
  readonly statusPort: number;
  readonly run: string;
}

/** Instances of one Cluster on this machine, under managers, and what an operator would do to them. */
export class ClusterPlace {
  readonly home: string;
  readonly file: string;
  readonly members: readonly Member[];
  readonly #processes = new Map<string, ChildProcess>();

  private constructor(home: string, members: readonly Member[], parameters: string, spec: string) {
    this.home = home;
    this.members = members;
    this.file = join(home, 'cluster.yaml');
    const lines = [
      'apiVersion: postgresql.cnpg.io/v1',
      'kind: Cluster',
      'metadata: {name: bench}',
      'spec:',
      `  instances: ${members.length}`,
      // The bench is not the user of the servers.
      `  postgresql: {pg_hba: ["host all all 127.0.0.1/32 trust"], parameters: {${parameters}}}`,
    ];
    writeFileSync(this.file, `${lines.join('\n')}\n${spec}`);
    give(this.file);
  }

  /**
   * @param parameters of PostgreSQL, as the inside of a YAML map
   * @param spec further lines of `spec`, indented by two spaces
   */
  static async make(count: number, parameters = '', spec = ''): Promise<ClusterPlace> {
    const home = mkdtempSync(join(tmpdir(), 'manager-bench-'));
    chmodSync(home, 0o755);
    give(home);
    const members: Member[] = [];
    for (let number = 1; number <= count; number += 1) {
      const run = join(home, `run-${number}`);
      mkdirSync(run);
      give(run);
      const name = `bench-${number}`;
      const data = join(home, `data-${number}`);
      members.push({ name, data, run, port: await freePort(), statusPort: await freePort() });
    }
    return new ClusterPlace(home, members, parameters, spec);
  }

  start(member: Member): ChildProcess {
    const own = [
      ...[
        'instance',
        'run',
        '--pod-name',
        member.name,
        '--cluster-file',
        this.file,
        '--pg-data',
        member.data,
      ],
      ...['--bindir', bin, '--port', String(member.port), '--runtime-dir', join(member.run, 'private')],
      ...['--socket-dir', member.run, '--status-port', String(member.statusPort)],
      ...['--status-address', '127.0.0.1', '--init-dir', join(this.home, 'none')],
    ];
    const child = spawn(node, [program, ...own], { ...identity, stdio: 'ignore', env: environment });
    this.#processes.set(member.name, child);
    return child;
  }

  /** Starts all, and waits until the first leads and the others stream from it. */
  async startAll(): Promise<void> {
    for (const member of this.members) this.start(member);
    await this.untilStreaming(this.members[0]!, this.members.length - 1);
  }

  pid(member: Member): number {
    return this.#processes.get(member.name)!.pid!;
  }

  /** What an operator, or a person, does to move the primary. */
  setTarget(member: Member): void {
    const text = readFileSync(this.file, 'utf8').replace(
      /targetPrimary: \S+/,
      `targetPrimary: ${member.name}`,
    );
    writeFileSync(`${this.file}.new`, text);
    give(`${this.file}.new`);
    renameSync(`${this.file}.new`, this.file);
  }

  /** As if the machine were gone: manager, watchdog, server and sessions. */
  async kill(member: Member): Promise<void> {
    const child = this.#processes.get(member.name)!;
    const postmaster = Number.parseInt(readFileSync(join(member.data, 'postmaster.pid'), 'utf8'), 10);
    const family = [...childrenOf(child.pid!), ...childrenOf(postmaster), postmaster];
    child.kill('SIGKILL');
    for (const pid of family) signalProcess(pid, 'SIGKILL');
    await ended(child);
  }

  async stop(member: Member): Promise<void> {
    const child = this.#processes.get(member.name);
    child?.kill('SIGTERM');
    if (child !== undefined) await ended(child);
  }

  async session(member: Member): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: member.port,
      user: 'postgres',
      database: 'postgres',
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  async query(member: Member, sql: string): Promise<unknown> {
    const client = await this.session(member);
    try {
      const { rows } = await client.query({ text: sql, rowMode: 'array' });
      return (rows[0] as unknown[] | undefined)?.[0];
    } finally {
      await client.end();
    }
  }

  /** Milliseconds until the instance takes a write. */
  async untilWritable(member: Member, since: number): Promise<number> {
    const isWritable = () => this.query(member, 'SELECT NOT pg_is_in_recovery()').catch(() => false);
    await until(`${member.name} to take writes`, async () => (await isWritable()) === true, 2);
    return performance.now() - since;
  }

  async untilStreaming(primary: Member, count: number): Promise<void> {
    const sql =
      "SELECT count(*)::int FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn()";
    const streaming = () => this.query(primary, sql).catch(() => -1);
    await until(`${count} standbys of ${primary.name}`, async () => (await streaming()) === count, 20);
  }

  async remove(): Promise<void> {
    for (const member of this.members) await this.stop(member);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Looks again and again. @param period milliseconds between two looks */
export async function until(what: string, look: () => Promise<boolean>, period: number): Promise<void> {
  const end = performance.now() + patience;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`waited ${patience / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, period));
  }
}

export function give(path: string): void {
  const { uid, gid } = identity;
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}
