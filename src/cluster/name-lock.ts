import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';
import { type FileLock, takeLock } from './file-lock.ts';

/** Milliseconds: a manager that is ending may still be there when the next one of its name begins. */
const patience = 5_000;

/**
 * Claims the name of an instance for the life of this process. The lease knows its holder by the name alone, and so two
 * managers of one name, on a data directory and a copy of it, would both hold it. The lock is an flock(2) on
 * `<file>.<name>.lock` beside the Cluster file; children do not inherit it (O_CLOEXEC, which Node sets), so that it ends
 * with its manager, and the next one can take over what that has left running.
 *
 * On a file system without such locks nothing is claimed.
 *
 * @throws INSTANCE_NAME_IN_USE, CLUSTER_UNREADABLE, AbortError
 */
export async function claimName(path: string, name: string, libc: Libc, signal: AbortSignal): Promise<void> {
  const file = `${path}.${name}.lock`;
  let lock: FileLock;
  try {
    lock = await takeLock(file, libc, patience, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new ManagerError('CLUSTER_UNREADABLE', messageOf(error), { cause: error });
  }
  if (!lock.isOthers) return;
  lock.release();
  throw new ManagerError('INSTANCE_NAME_IN_USE', `another manager is ${name}: it holds ${file}`);
}
