import { readFileSync, realpathSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ManagerError } from '../errors/manager-error.ts';
import {
  judgePostmasterPid,
  type PostmasterPidFile,
  parsePostmasterPid,
} from '../postgres/postmaster-pid.ts';
import { readIfPresent } from './atomic-file.ts';
import { lookAtProcess } from './postmaster.ts';

/** Names the log pipes of the manager that started a server: only a server that writes into ours can be taken over. */
export const ownershipVariable = 'POSTGRES_MANAGER_LOGS';

export interface RunningServer {
  readonly pid: number;
  readonly port: number | undefined;
  readonly socketDirectory: string | undefined;
}

/**
 * Looks for a server that already runs on this PGDATA, as far as this container can see. Changes nothing.
 *
 * @returns a server of an earlier manager that has ended, which can be taken over; undefined when none runs
 * @throws PGDATA_IN_USE for a server that is somebody else's
 */
export async function findRunningServer(
  dataDirectory: string,
  executable: string,
  logDirectory: string,
): Promise<RunningServer | undefined> {
  const file = await livePidFile(dataDirectory, executable);
  if (file === undefined) return undefined;
  if (!(await isOrphanOfManager(file.pid, logDirectory))) {
    throw new ManagerError(
      'PGDATA_IN_USE',
      `process ${file.pid} is a server of ${dataDirectory} that is not ours`,
    );
  }
  return { pid: file.pid, port: file.port, socketDirectory: file.socketDirectory };
}

/**
 * Removes a postmaster.pid that names no server. Call it only with the lock on PGDATA: the file of a server in another
 * container names nothing here either, and that server would stop for want of it.
 */
export async function clearStalePidFile(dataDirectory: string, executable: string): Promise<void> {
  if ((await livePidFile(dataDirectory, executable)) === undefined) {
    rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
  }
}

/** What postmaster.pid says, when the process it names is a server of this directory. */
async function livePidFile(
  dataDirectory: string,
  executable: string,
): Promise<PostmasterPidFile | undefined> {
  const text = readIfPresent(join(dataDirectory, 'postmaster.pid'));
  const file = text === undefined ? undefined : parsePostmasterPid(text);
  if (file === undefined) return undefined;
  const verdict = judgePostmasterPid(await lookAtProcess(file.pid), realpathSync(dataDirectory), executable);
  return verdict === 'live' ? file : undefined;
}

/**
 * Removes a socket and its lock file that a killed server left, when the process named in it is no server any more.
 * PostgreSQL does the same, but takes any live process of that number for one.
 */
export async function clearStaleSocket(
  socketDirectory: string,
  port: number,
  executable: string,
): Promise<void> {
  const socket = join(socketDirectory, `.s.PGSQL.${port}`);
  const text = readIfPresent(`${socket}.lock`);
  if (text === undefined) return;
  const file = parsePostmasterPid(text);
  const named = file === undefined ? undefined : await lookAtProcess(file.pid);
  if (named?.command === executable) return;
  rmSync(`${socket}.lock`, { force: true });
  rmSync(socket, { force: true });
}

/** A server whose parent is still there belongs to that parent. */
async function isOrphanOfManager(pid: number, logDirectory: string): Promise<boolean> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const parent = Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]);
    const adopted = parent === process.pid || (parent === 1 && process.pid !== 1);
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return adopted && environment.includes(`${ownershipVariable}=${logDirectory}`);
  } catch {
    return false;
  }
}
