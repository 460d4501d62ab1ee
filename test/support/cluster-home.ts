import { chownSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { childrenOf, signalProcess } from '../../src/process/proc.ts';
import { isServerOf, type Line, type Manager } from './manager.ts';

export interface ClusterOptions {
  /** Lines of the spec besides those that every test needs. */
  readonly spec?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly isSynchronous?: boolean;
  /** Whose managers and servers these are; only root may choose. Undefined: the user of PostgreSQL. */
  readonly user?: Owner;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** As short as a machine under load allows: a holder gets two seconds for its immediate stop. */
const lease = 'primaryLease: {leaseDurationSeconds: 6, renewDeadlineSeconds: 4, retryPeriodSeconds: 1}';
/** Nothing here outlives the machine anyway; a kill of processes loses nothing that was written. */
const parameters = { shared_buffers: '16MB', fsync: 'off', max_connections: '50', log_checkpoints: 'off' };

/** The file as a person would write it. */
export function clusterText({ spec, isSynchronous, ...options }: ClusterOptions): string {
  const all = Object.entries({ ...parameters, ...options.parameters });
  return [
    '# Written by a test; people and managers change it.',
    'apiVersion: postgresql.cnpg.io/v1',
    'kind: Cluster',
    'metadata: {name: demo}',
    'spec:',
    '  instances: 3',
    `  ${lease}`,
    ...(spec === undefined ? [] : [`  ${spec}`]),
    '  postgresql:',
    ...(isSynchronous === true ? ['    synchronous: {method: any, number: 1}'] : []),
    '    pg_hba: [host all all 127.0.0.1/32 trust]',
    '    parameters:',
    ...all.map(([name, value]) => `      ${name}: ${JSON.stringify(value)}`),
    '',
  ].join('\n');
}

/** Managers of root step down to the user of PostgreSQL, who must then be able to write here. */
export function giveToServer(path: string, user: Owner | undefined = undefined): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = user ?? userOfPostgres();
  chownSync(path, uid, gid);
}

/** The same with everything below it. */
export function giveAllToServer(path: string, user: Owner | undefined): void {
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }))
    giveToServer(join(path, name), user);
  giveToServer(path, user);
}

function userOfPostgres(): Owner {
  const [, , uid, gid] = /^postgres:.*$/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[0].split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** A copy of a primary that was stopped in order is what pg_basebackup would have made of it. */
export function makeStandby(dataDirectory: string): void {
  writeFileSync(join(dataDirectory, 'standby.signal'), '');
  giveToServer(join(dataDirectory, 'standby.signal'));
  const slots = join(dataDirectory, 'pg_replslot');
  for (const slot of readdirSync(slots)) rmSync(join(slots, slot), { recursive: true });
}

/** Directories with what was put aside when a person asked for a new copy. */
export function keptBeside(dataDirectory: string): string[] {
  const beside = dirname(dataDirectory);
  const isKept = (name: string) => name.startsWith(`${basename(dataDirectory)}.before-reclone-`);
  return readdirSync(beside)
    .filter(isKept)
    .map((name) => join(beside, name));
}

/** These processes and all that descend from them, parents first. */
export function familyOf(pids: ReadonlyArray<number | undefined>): number[] {
  const all = new Set(pids.filter((pid) => pid !== undefined));
  for (const pid of all) for (const child of childrenOf(pid)) all.add(child);
  return [...all];
}

/** Wakes what a test has halted, so that it can be ended in order. */
export function wake({ child, postmasterPid, dataDirectory }: Manager): void {
  const isRunning = child.exitCode === null && child.signalCode === null;
  const server = postmasterPid !== undefined && isServerOf(postmasterPid, dataDirectory);
  const pids = [isRunning ? child.pid : undefined, server ? postmasterPid : undefined];
  for (const pid of familyOf(pids)) signalProcess(pid, 'SIGCONT');
}

/** What matters of a log line when it is read by a person. */
export function shorten({ ts, level, logger, msg, record, ...rest }: Line): string {
  const at = String(ts).slice(11, 23);
  if (record !== undefined) return `${at}   ${record.error_severity}: ${record.message}`;
  return `${at} ${level} ${logger === 'instance-manager' ? '' : logger} ${msg} ${JSON.stringify(rest)}`;
}
