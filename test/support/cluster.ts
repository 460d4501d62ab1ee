import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { type FileSource, openFileSource } from '../../src/cluster/file-source.ts';
import { type Libc, openLibc } from '../../src/process/libc.ts';
import { signalProcess } from '../../src/process/proc.ts';
import { ClusterFile } from './cluster-file.ts';
import {
  type ClusterOptions,
  clusterText,
  familyOf,
  giveAllToServer,
  giveToServer,
  makeStandby,
  type Owner,
  shorten,
  wake,
} from './cluster-home.ts';
import { run } from './command.ts';
import { component } from './component.ts';
import { eventually, isServerOf, Manager, temporaryDirectory } from './manager.ts';
import { lastingPort } from './ports.ts';
import { copyDirectory, seedIn } from './seed.ts';
import { askServer, clientOf } from './sql.ts';

/** Replication needs pg_basebackup and pg_rewind, which the servers from npm lack. */
export const hasReplication = component('PostgreSQL 15 of Debian', () =>
  existsSync('/usr/lib/postgresql/15/bin/pg_rewind'),
);

/** Several managers, each with its ports and directories, that share one Cluster file; the test is their operator. */
export class Cluster extends ClusterFile {
  readonly #home: string;
  readonly #user: Owner | undefined;
  readonly #ports = new Map<string, number>();
  readonly #managers = new Map<string, Manager>();

  private constructor(home: string, source: FileSource, libc: Libc, user: Owner | undefined) {
    super(join(home, 'cluster.yaml'), source, libc);
    this.#home = home;
    this.#user = user;
  }

  /** Writes the file; starts nothing. */
  static async make(options: ClusterOptions = {}): Promise<Cluster> {
    const home = temporaryDirectory();
    const path = join(home, 'cluster.yaml');
    writeFileSync(path, clusterText(options));
    const { user } = options;
    giveToServer(home, user);
    giveToServer(path, user);
    const libc = openLibc();
    const source = await openFileSource(path, libc);
    giveToServer(`${path}.lease`, user);
    const cluster = new Cluster(home, source, libc, user);
    onTestFinished(source.watch(() => void cluster.tell()));
    for (const name of ['demo-1', 'demo-2', 'demo-3']) {
      mkdirSync(cluster.homeOf(name));
      giveToServer(cluster.homeOf(name), user);
      cluster.#ports.set(name, await lastingPort());
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

  /**
   * One that has been there before: demo-1 is the primary, the others stream from it.
   *
   * @param before called when the directories are there and nothing runs yet
   */
  static async start(
    options: ClusterOptions = {},
    before: (cluster: Cluster) => void = () => {},
  ): Promise<Cluster> {
    const cluster = await Cluster.make(options);
    const seed = await seedIn(inject('seedPlace'), growSeed);
    for (const name of cluster.names) {
      const data = cluster.dataOf(name);
      copyDirectory(seed, data);
      if (name !== 'demo-1') makeStandby(data);
      if (options.user !== undefined) giveAllToServer(data, options.user);
    }
    await cluster.editStatus(() => ({
      currentPrimary: 'demo-1',
      targetPrimary: 'demo-1',
      instanceNames: cluster.names,
    }));
    before(cluster);
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

  dataOf(name: string): string {
    return join(this.homeOf(name), 'data');
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
      ...(this.#user === undefined ? {} : { user: this.#user }),
    });
    this.#managers.set(name, manager);
    onTestFinished(() => wake(manager));
    return manager;
  }

  /** Everybody but these. */
  others(...names: readonly string[]): string[] {
    return this.names.filter((name) => !names.includes(name));
  }

  /** Waits until this one has no server. */
  async isDown(name: string): Promise<void> {
    await this.eventually(
      `the server of ${name} to be down`,
      () => this.of(name).postmasterPid === undefined,
    );
  }

  /** What a person does who wants this instance's data replaced, and then waits until it runs on the copy. */
  async requestCopy(name: string): Promise<void> {
    const { code, output } = await run(this.path, 'reclone', name);
    if (code !== 0) throw new Error(`the request for a copy ended with ${code}: ${output}\n${this.report()}`);
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

  /** Waits until every standby has replayed what the primary has written. */
  async caughtUp(primary: string): Promise<void> {
    const ahead = 'SELECT count(*)::int FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()';
    const standbys = this.names.length - 1;
    await this.eventually('standbys to catch up', async () => (await this.ask(primary, ahead)) === standbys);
  }

  /** The first column of the first row. */
  query(name: string, sql: string): Promise<unknown> {
    return askServer(this.portOf(name), sql);
  }

  /** The same, undefined when the server does not answer, or with an error. */
  ask(name: string, sql: string): Promise<unknown> {
    return this.query(name, sql).catch(() => undefined);
  }

  client(name: string): pg.Client {
    return clientOf(this.portOf(name));
  }

  /** What kills a container: the manager, its server, all at once. */
  async kill(name: string): Promise<void> {
    const manager = this.of(name);
    const server = manager.postmasterPid;
    const isOurs = server !== undefined && isServerOf(server, manager.dataDirectory);
    const family = familyOf([manager.child.pid, isOurs ? server : undefined]);
    for (const pid of family) signalProcess(pid, 'SIGKILL');
    await manager.ended();
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

async function growSeed(): Promise<string> {
  const cluster = await Cluster.found();
  // The primary last: then its WAL ends with what everybody has.
  for (const name of ['demo-2', 'demo-3', 'demo-1']) await cluster.of(name).stop();
  return cluster.of('demo-1').dataDirectory;
}
