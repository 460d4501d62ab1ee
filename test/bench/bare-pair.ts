import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { give, until } from './cluster-place.ts';
import { bin, ended, freePort, identity } from './support.ts';

const environment = { PATH: process.env.PATH, LC_ALL: 'C' };

/** One server without a manager. */
export interface BareServer {
  readonly data: string;
  readonly run: string;
  readonly port: number;
}

/** A place for a server that nobody looks after. */
export async function bareServer(home: string, name: string): Promise<BareServer> {
  const run = join(home, `${name}-run`);
  mkdirSync(run);
  give(run);
  return { data: join(home, name), run, port: await freePort() };
}

export function startBare(server: BareServer): ChildProcess {
  return spawn(
    join(bin, 'postgres'),
    [
      ...['-D', server.data, '-c', `port=${server.port}`, '-c', `unix_socket_directories=${server.run}`],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'wal_log_hints=on', '-c', 'wal_keep_size=2GB'],
    ],
    { ...identity, stdio: 'ignore', env: environment },
  );
}

export function tool(name: string, ...args: string[]): void {
  execFileSync(join(bin, name), args, { ...identity, stdio: 'ignore', env: environment });
}

/** Makes a primary and a standby that streams from it. */
export async function barePair(primary: BareServer, standby: BareServer) {
  tool('initdb', '-D', primary.data, '-U', 'postgres', '-A', 'trust');
  const primaryProcess = startBare(primary);
  await untilBare(primary, 'SELECT true');
  tool('pg_basebackup', '-D', standby.data, '-d', conninfo(primary), '-c', 'fast');
  followBare(standby, conninfo(primary));
  const standbyProcess = startBare(standby);
  await untilCaughtUp(primary);
  return { primaryProcess, standbyProcess };
}

/** @param source how the primary is reached */
export function followBare(standby: BareServer, source: string): void {
  appendFileSync(join(standby.data, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
  writeFileSync(join(standby.data, 'standby.signal'), '');
  give(join(standby.data, 'standby.signal'));
}

export function conninfo({ run, port }: BareServer): string {
  return `host=${run} port=${port} user=postgres dbname=postgres`;
}

export async function askBare({ run, port }: BareServer, sql: string): Promise<unknown> {
  const client = new pg.Client({ host: run, port, user: 'postgres', database: 'postgres' });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return (rows[0] as unknown[] | undefined)?.[0];
  } finally {
    await client.end();
  }
}

export function untilBare(server: BareServer, sql: string): Promise<void> {
  return until(sql, async () => (await askBare(server, sql).catch(() => false)) === true, 2);
}

export function untilCaughtUp(primary: BareServer): Promise<void> {
  return untilBare(
    primary,
    "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn = pg_current_wal_lsn())",
  );
}

export async function stopBare(child: ChildProcess, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  child.kill(signal);
  await ended(child);
}
