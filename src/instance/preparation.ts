import { chmodSync } from 'node:fs';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { type DataDirectoryVerdict, isTooOpen, judgeDataDirectory } from '../postgres/data-directory.ts';
import { observeDataDirectory } from '../postgres/io/data-directory-facts.ts';
import { findInstallation } from '../postgres/io/installation.ts';
import type { Children } from '../process/children.ts';
import { serverEnvironment } from '../process/environment.ts';
import type { Libc } from '../process/libc.ts';
import { DataDirectoryLock } from './data-directory-lock.ts';
import { discardCopy } from './discard-copy.ts';
import { makeDataDirectory } from './first-boot.ts';
import { keepRest } from './kept-data.ts';
import type { LogServices, ServerLog } from './log-services.ts';
import { OwnerLock } from './owner-lock.ts';
import { prepareRuntimeDirectories } from './runtime-directory.ts';
import type { ServerContext } from './server-context.ts';
import type { ServerNotes } from './server-notes.ts';
import { setAside } from './set-aside.ts';
import type { InstanceSettings } from './settings.ts';
import {
  clearStalePidFile,
  clearStaleSocket,
  findRunningServer,
  ownershipVariable,
  type RunningServer,
} from './takeover.ts';

/** Milliseconds: processes of a killed server notice within a second, but an orphaned initdb goes on to its end. */
const lockPatience = 10_000;
const lastProcessPatience = 2_000;

/** Everything that must be settled before a server can be made or started. */
export interface Prepared {
  readonly context: ServerContext;
  readonly serverLog: ServerLog;
  /** A server of an earlier manager that is still there. */
  readonly running: RunningServer | undefined;
  /**
   * Takes the lock on PGDATA unless it is ours. A server that was taken over holds it itself: nothing may be done to the
   * directory after its end before this has resolved. Rejects with PGDATA_IN_USE.
   */
  readonly lock: () => Promise<void>;
  /** Waits for the last processes of the server, reads their last records, lets go of everything. Idempotent. */
  readonly close: () => Promise<void>;
}

export interface PreparationServices {
  readonly libc: Libc;
  readonly children: Children;
  readonly logs: LogServices;
  readonly notes: ServerNotes;
  readonly environment: NodeJS.ProcessEnv;
  /** See ServerContext. */
  readonly impatience: AbortSignal;
}

/**
 * Looks at PGDATA, finds the programs, takes the lock, opens the log pipes and clears away what a killed server has
 * left. Changes nothing that could hold data.
 *
 * @throws the errors of PGDATA (PGDATA_*), BINARY_MISSING, RUNTIME_DIRECTORY
 */
export async function prepare(
  settings: InstanceSettings,
  services: PreparationServices,
  signal: AbortSignal,
): Promise<Prepared> {
  const { dataDirectory, executable, port } = settings;
  const { children, logs, notes } = services;
  const before = observeDataDirectory(dataDirectory);
  const wantedMajor = before.version === undefined ? undefined : Number.parseInt(before.version, 10);
  const path = services.environment.PATH;
  const installation = findInstallation({
    binDirectory: settings.binDirectory,
    wantedMajor,
    executable,
    path,
  });
  const verdict = judgeNow(dataDirectory, installation.major);
  const directories = prepareRuntimeDirectories(settings.runtime);
  if (before.kind === 'missing') makeDataDirectory(dataDirectory);
  const found = await findRunningServer(dataDirectory, executable, directories.log);
  // One that ends may still be there when its server is gone; beside a server it is there to stay.
  const ownerPatience = found === undefined ? lockPatience : 0;
  const owner = await takeOwnerLock(services.libc, dataDirectory, directories.log, ownerPatience, signal);
  const running = verdict.state === 'start' ? found : undefined;
  if (found !== undefined && running === undefined) endOrphan(found, logs);
  let lock = running === undefined ? await takeLock(services.libc, dataDirectory, signal) : undefined;
  // Only whoever holds the lock may change anything, and what was seen before may have been changed by its last holder.
  const settled = lock === undefined ? verdict : judgeNow(dataDirectory, installation.major);
  if (lock !== undefined) {
    await clearStalePidFile(dataDirectory, executable);
    await clearStaleSocket(directories.socket, port, executable);
    tighten(dataDirectory, services);
    await settleDirectory(settled, dataDirectory, services);
  }
  const format = installation.major >= 15 ? 'jsonlog' : 'csvlog';
  const serverLog = await logs.openServerLog(directories.log, format, (record) => notes.note(record));
  const context: ServerContext = {
    children,
    log: logs.log,
    installation,
    executable,
    dataDirectory,
    directories,
    port,
    get lockDescriptor() {
      return lock?.descriptor;
    },
    env: serverEnvironment(services.environment, {
      PGDATA: dataDirectory,
      // The server takes its default port from here; a program that it starts finds it there.
      PGPORT: String(port),
      [ownershipVariable]: directories.log,
    }),
    impatience: services.impatience,
    troubles: () => notes.messages,
    named: (program) => logs.named(program),
    logOutput: (program, stream, output, censor) => {
      // initdb shows what the server says that it starts.
      const isTelling = program === settings.executable || program === 'initdb';
      const onLine = isTelling ? (line: string) => notes.noteText(line) : undefined;
      logs.logOutput(program, stream, output, { censor, onLine });
    },
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= letGo(services, lock, dataDirectory, serverLog).finally(() => owner.release());
    return closed;
  };
  return {
    context,
    serverLog,
    running,
    lock: async () => {
      lock ??= await takeLock(services.libc, dataDirectory, signal);
    },
    close,
  };
}

/** @throws the reason of a refusal */
function judgeNow(
  dataDirectory: string,
  serverMajor: number,
): Exclude<DataDirectoryVerdict, { readonly state: 'refuse' }> {
  const verdict = judgeDataDirectory(
    observeDataDirectory(dataDirectory),
    process.geteuid?.() ?? -1,
    serverMajor,
  );
  if (verdict.state === 'refuse') throw new ManagerError(verdict.code, verdict.reason);
  return verdict;
}

async function letGo(
  { libc, logs }: PreparationServices,
  lock: DataDirectoryLock | undefined,
  dataDirectory: string,
  serverLog: ServerLog,
): Promise<void> {
  if (lock !== undefined) await waitForLastProcess(libc, lock, dataDirectory, logs);
  serverLog.close();
}

/** The lock is free again when the last process of the server, its log collector, has ended. */
async function waitForLastProcess(
  libc: Libc,
  lock: DataDirectoryLock,
  dataDirectory: string,
  logs: LogServices,
): Promise<void> {
  lock.release();
  if (!lock.isHeld) return;
  const freed = await DataDirectoryLock.takeWithin(
    libc,
    dataDirectory,
    lastProcessPatience,
    new AbortController().signal,
  );
  if (freed === undefined) logs.log.warn('processes of the server are still running');
  else freed.release();
}

async function takeOwnerLock(
  libc: Libc,
  dataDirectory: string,
  logDirectory: string,
  patience: number,
  signal: AbortSignal,
): Promise<OwnerLock> {
  const lock = await OwnerLock.takeWithin(libc, dataDirectory, logDirectory, patience, signal);
  signal.throwIfAborted();
  if (lock === undefined) {
    throw new ManagerError('PGDATA_IN_USE', `another manager of this container looks after ${dataDirectory}`);
  }
  return lock;
}

async function takeLock(libc: Libc, dataDirectory: string, signal: AbortSignal): Promise<DataDirectoryLock> {
  const lock = await DataDirectoryLock.takeWithin(libc, dataDirectory, lockPatience, signal);
  signal.throwIfAborted();
  if (lock === undefined) {
    throw new ManagerError(
      'PGDATA_IN_USE',
      `${dataDirectory} is locked by a server, in this container or another one`,
    );
  }
  return lock;
}

/** The temporary server of an initialisation whose manager was killed: its data has never been served, and is set aside. */
function endOrphan({ pid }: RunningServer, { log }: LogServices): void {
  log.warn({ pid }, 'ending the server of an interrupted initialisation');
  process.kill(pid, 'SIGQUIT');
}

/** Carries out what the verdict asks for, now that the directory is locked. */
async function settleDirectory(
  verdict: DataDirectoryVerdict,
  dataDirectory: string,
  { logs }: PreparationServices,
): Promise<void> {
  if (verdict.state === 'set aside') {
    const place = setAside(dataDirectory, verdict.entries);
    logs.log.warn({ place }, 'an earlier initialisation was interrupted; its remains were moved aside');
  }
  if (verdict.state === 'discard copy' && (await discardCopy(dataDirectory))) {
    logs.log.warn(
      { dataDirectory },
      'an earlier copy of the primary was interrupted; its remains were removed',
    );
  }
  if (verdict.state === 'keep rest') {
    const place = keepRest(dataDirectory);
    logs.log.warn({ place }, 'the data of this instance was being put aside; the rest of it followed');
  }
}

/** PostgreSQL refuses a directory that others may write or read; volumes are often mounted like that, empty or not. */
function tighten(dataDirectory: string, { logs }: PreparationServices): void {
  const { mode } = observeDataDirectory(dataDirectory);
  if (!isTooOpen(mode)) return;
  try {
    chmodSync(dataDirectory, 0o700);
  } catch (error) {
    const why = `${dataDirectory} has the mode 0${mode.toString(8)}, which cannot be changed: ${messageOf(error)}`;
    throw new ManagerError('PGDATA_MODE', why, { cause: error });
  }
  logs.log.info({ dataDirectory }, 'permissions of PGDATA set to 0700');
}
