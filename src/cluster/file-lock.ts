import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { systemErrorCode } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';

/** Milliseconds between two tries: at least, and at random on top, so that nobody is always second. */
const pollPeriod = 2;
const pollSpread = 6;
/** Milliseconds after which everybody who waits has looked once more. */
export const longestPoll = pollPeriod + pollSpread;

/** One turn at a lock file. */
export interface FileLock {
  /** False when the lock could not be had in time, or the file system has none. */
  readonly isHeld: boolean;
  /** Somebody else has it, and has kept it all the time. */
  readonly isOthers: boolean;
  release(): void;
}

/**
 * Waits for the exclusive flock(2) on a file, which is made when it is missing and never removed: a lock on a removed file
 * would keep nobody out. The kernel gives it back when its holder dies, whatever of. The event loop goes on meanwhile.
 *
 * @param patience milliseconds
 * @throws AbortError; system errors of a file that can be neither opened nor made
 */
export async function takeLock(
  path: string,
  libc: Libc,
  patience: number,
  signal: AbortSignal,
): Promise<FileLock> {
  signal.throwIfAborted();
  const descriptor = openLockFile(path);
  const end = performance.now() + patience;
  const release = () => closeSync(descriptor);
  try {
    for (;;) {
      const answer = libc.lockExclusively(descriptor);
      if (answer === 'held') return { isHeld: true, isOthers: false, release };
      if (answer === 'unsupported') return { isHeld: false, isOthers: false, release };
      if (performance.now() >= end) return { isHeld: false, isOthers: true, release };
      await pause(pollPeriod + Math.random() * pollSpread, undefined, { signal });
    }
  } catch (error) {
    release();
    throw error;
  }
}

/** Another user's lock file may be locked by whoever may read it; O_CREAT on it is refused in sticky directories. */
function openLockFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    return openSync(path, 'a', 0o666);
  }
}
