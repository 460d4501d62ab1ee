import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { type FileSource, openFileSource } from '../../src/cluster/file-source.ts';
import { SharedFile } from '../../src/cluster/shared-file.ts';
import { type ClusterStatus, clusterPhase, timestamp } from '../../src/cluster/status.ts';
import { editYaml } from '../../src/cluster/yaml-edit.ts';
import { type Libc, openLibc } from '../../src/process/libc.ts';
import { childrenOf, signalProcess } from '../../src/process/proc.ts';
import { component } from './component.ts';
import { eventually, freePort, type Line, Manager, temporaryDirectory } from './manager.ts';
import { copyDirectory, seedIn } from './seed.ts';

/** Replication needs pg_basebackup and pg_rewind, which the servers from npm lack. */
export const hasReplication = component('PostgreSQL 15 of Debian', () =>
  existsSync('/usr/lib/postgresql/15/bin/pg_rewind'),
);

export interface ClusterOptions {
  /** Lines of the spec besides those that every test needs. */
  readonly spec?: string;
  /** Lines of spec.postgresql besides pg_hba. */
  readonly postgresql?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly isSynchronous?: boolean;
  readonly instances?: number;
}

/** As short as a machine under load allows: a holder gets two seconds for its immediate stop. */
const lease = 'primaryLease: {leaseDurationSeconds: 6, renewDeadlineSeconds: 4, retryPeriodSeconds: 1}';
/** Nothing here survives the machine anyway; a kill of processes loses nothing that was written. */
const parameters = { shared_buffers: '16MB', fsync: 'off', max_connections: '50', log_checkpoints: 'off' };
const patient = () => AbortSignal.timeout(30_000);

/** Several managers, each with its ports and directories, that share one Cluster file; the test is their operator. */
export class Cluster {
  readonly path: string;
  readonly #home: string;
  readonly #source: FileSource;
  readonly #libc: Libc;
  readonly #ports = new Map<string, number>();
  readonly #managers = new Map<string, Manager>();
  readonly #listeners = new Set<(primary: string) => void>();

  private constructor(home: string, source: FileSource, libc: Libc) {
    this.#home = home;
    this.path = join(home, 'cluster.yaml');
    this.#source = source;
    this.#libc = libc;
  }

  /** Writes the file; starts nothing. */
  static async make(options: ClusterOptions = {}): Promise<Cluster> {
    const home = temporaryDirectory();
    const path = join(home, 'cluster.yaml');
    const count = options.instances ?? 3;
    writeFileSync(path, clusterText(options, count));
    give(home);
    give(path);
    const libc = openLibc();
    const source = await openFileSource(path, libc);
    give(`${path}.lease`);
    const cluster = new Cluster(home, source, libc);
    onTestFinished(source.watch(() => void cluster.#tell()));
    for (let number = 1; number <= count; number += 1) {
      const name = `demo-${number}`;
      mkdirSync(cluster.homeOf(name));
      give(cluster.homeOf(name));
      cluster.#ports.set(name, await freePort());
    }
    return cluster;
  }

  /** Makes it from nothing: demo-1 founds it, the others join. */
  static async found(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.make(options);
    for (const name of cluster.names) await cluster.startOne(name);
    await cluster.healthy();
    return cluster;
  }

  /** One that has been there before: demo-1 is the primary, the others stream from it. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.make(options);
    const seed = await seedIn(inject('seedPlace'), growSeed);
    for (const name of cluster.names) {
      const data = join(cluster.homeOf(name), 'data');
      copyDirectory(seed, data);
      if (name !== 'demo-1') makeStandby(data);
    }
    await cluster.editStatus(() => ({
      currentPrimary: 'demo-1',
      targetPrimary: 'demo-1',
      instanceNames: cluster.names,
    }));
    await cluster.startOne('demo-1');
    // A standby that finds no primary asks again after five seconds (wal_retrieve_retry_interval).
    await cluster.leads('demo-1');
    for (const name of cluster.others('demo-1')) await cluster.startOne(name);
    await cluster.healthy();
    return cluster;
  }

  get names(): readonly string[] {
    return [...this.#ports.keys()];
  }

  homeOf(name: string): string {
    return join(this.#home, name);
  }

  /** Of the last manager that was started under this name. */
  of(name: string): Manager {
    const manager = this.#managers.get(name);
    if (manager === undefined) throw new Error(`${name} was never started`);
    return manager;
  }

  portOf(name: string): number {
    return this.#ports.get(name)!;
  }

  async startOne(name: string, options: readonly string[] = []): Promise<Manager> {
    const manager = await Manager.start({
      home: this.homeOf(name),
      port: this.portOf(name),
      options: ['--pod-name', name, '--cluster-file', this.path, ...options],
    });
    this.#managers.set(name, manager);
    return manager;
  }

  /** Everybody but these. */
  others(...names: readonly string[]): string[] {
    return this.names.filter((name) => !names.includes(name));
  }

  async status(): Promise<ClusterStatus> {
    return (await this.#source.read(patient())).cluster.status ?? {};
  }

  async editStatus(change: (status: ClusterStatus) => ClusterStatus): Promise<void> {
    await this.#source.updateStatus(change, patient());
  }

  /** Sets a value anywhere in the file, as a person with an editor would. */
  async edit(path: readonly string[], value: unknown): Promise<void> {
    const file = new SharedFile(this.path, this.#libc, { isDurable: false });
    await file.update((text) => editYaml(text, [{ path, value }]), patient());
  }

  /** What an operator does to move the primary. */
  async target(name: string): Promise<void> {
    const phase = name === 'pending' ? clusterPhase.failover : clusterPhase.switchover;
    await this.editStatus((status) => ({
      ...status,
      targetPrimary: name,
      targetPrimaryTimestamp: timestamp(Date.now()),
      phase,
    }));
  }

  /** Waits until this one is the primary of the Cluster and takes writes. */
  async leads(name: string): Promise<void> {
    await this.eventually(`${name} to be the primary`, async () => {
      if ((await this.status()).currentPrimary !== name) return false;
      return (await this.ask(name, 'SELECT NOT pg_is_in_recovery()')) === true;
    });
  }

  /** Waits until all of these are ready, and stream from the primary, as the primary and they themselves say. */
  async healthy(names: readonly string[] = this.names): Promise<string> {
    return this.eventually(`${names} to be healthy`, async () => {
      const { currentPrimary, targetPrimary } = await this.status();
      if (currentPrimary === undefined || currentPrimary !== targetPrimary) return undefined;
      const streaming = await this.ask(
        currentPrimary,
        `SELECT array_agg(application_name::text) FROM pg_stat_replication WHERE state = 'streaming'`,
      );
      const isStreaming = (name: string) => Array.isArray(streaming) && streaming.includes(name);
      if (!names.every((name) => name === currentPrimary || isStreaming(name))) return undefined;
      for (const name of names) if ((await this.of(name).get('/readyz')).code !== 200) return undefined;
      return currentPrimary;
    });
  }

  /** The first column of the first row; undefined when the server does not answer. */
  async ask(name: string, sql: string): Promise<unknown> {
    return this.of(name)
      .query(sql, { connectionTimeoutMillis: 2_000, query_timeout: 5_000 })
      .catch(() => undefined);
  }

  /** Calls back with the primary of the Cluster whenever the file has changed. @returns the way to stop */
  onPrimary(listener: (primary: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #tell(): Promise<void> {
    const { currentPrimary } = await this.status();
    if (currentPrimary !== undefined) for (const listener of this.#listeners) listener(currentPrimary);
  }

  /** What kills a container: the manager, its server, all at once. */
  kill(name: string): void {
    const manager = this.of(name);
    const all = [manager.child.pid, manager.postmasterPid].filter((pid) => pid !== undefined);
    for (const pid of familyOf(all)) signalProcess(pid, 'SIGKILL');
  }

  /** What an operator does when the primary is gone (contract 03, 3.10). @returns the chosen one */
  async failOver(from: string): Promise<string> {
    await this.target('pending');
    const candidates = this.others(from);
    await this.eventually('the WAL receivers to end', async () => {
      for (const name of candidates) {
        if ((await this.ask(name, 'SELECT count(*)::int FROM pg_stat_wal_receiver')) !== 0) return false;
      }
      return true;
    });
    const chosen = await this.furthest(candidates);
    await this.target(chosen);
    return chosen;
  }

  /** Which of these has received most. */
  async furthest(names: readonly string[]): Promise<string> {
    const position = `SELECT (COALESCE(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::text`;
    let best = { name: '', at: -1n };
    for (const name of names) {
      const answer = await this.ask(name, position);
      const at = typeof answer === 'string' ? BigInt(answer) : -1n;
      if (at > best.at) best = { name, at };
    }
    if (best.name === '') throw new Error(`none of ${names} answers`);
    return best.name;
  }

  /** As `eventually`, and what every manager said last when it does not come. */
  eventually<T>(what: string, look: () => T | Promise<T>, deadline?: number): Promise<NonNullable<T>> {
    return eventually(what, look, deadline).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.report()}`);
    });
  }

  /** For the message of a failure. */
  report(): string {
    const managers = [...this.#managers].map(
      ([name, { lines, text }]) => `--- ${name}\n${lines.slice(-60).map(shorten).join('\n')}\n${text}`,
    );
    return [readFileSync(this.path, 'utf8'), ...managers].join('\n');
  }
}

/** What matters of a log line when it is read by a person. */
function shorten({ ts, level, logger, msg, record, ...rest }: Line): string {
  const at = String(ts).slice(11, 23);
  if (record !== undefined) return `${at}   ${record.error_severity}: ${record.message}`;
  return `${at} ${level} ${logger === 'instance-manager' ? '' : logger} ${msg} ${JSON.stringify(rest)}`;
}

async function growSeed(): Promise<string> {
  const cluster = await Cluster.found();
  // The primary last: then its WAL ends with what everybody has.
  for (const name of ['demo-2', 'demo-3', 'demo-1']) await cluster.of(name).stop();
  return cluster.of('demo-1').dataDirectory;
}

/** A copy of a primary that was stopped in order is what pg_basebackup would have made of it. */
function makeStandby(data: string): void {
  writeFileSync(join(data, 'standby.signal'), '');
  give(join(data, 'standby.signal'));
  for (const slot of readdirSync(join(data, 'pg_replslot')))
    rmSync(join(data, 'pg_replslot', slot), { recursive: true });
}

/** These processes and all that descend from them, parents first. */
function familyOf(pids: readonly number[]): number[] {
  const all = new Set(pids);
  for (const pid of all) for (const child of childrenOf(pid)) all.add(child);
  return [...all];
}

/** Managers of root step down to the user of PostgreSQL, who must then be able to write here. */
function give(path: string): void {
  if (process.getuid?.() !== 0) return;
  const [, , uid, gid] = /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
  chownSync(path, Number(uid), Number(gid));
}

function clusterText(options: ClusterOptions, count: number): string {
  const all = Object.entries({ ...parameters, ...options.parameters });
  const settings = all.map(([name, value]) => `      ${name}: ${JSON.stringify(value)}`);
  const synchronous = options.isSynchronous === true ? '\n    synchronous: {method: any, number: 1}' : '';
  return `# Written by a test; people and managers change it.
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: demo}
spec:
  instances: ${count}
  ${options.spec?.includes('primaryLease') === true ? options.spec : `${lease}\n  ${options.spec ?? ''}`}
  postgresql:${synchronous}
    pg_hba: [host all all 127.0.0.1/32 trust]
    ${options.postgresql ?? ''}
    parameters:
${settings.join('\n')}
`;
}
