import { closeSync, openSync } from 'node:fs';
import type { Libc } from '../process/libc.ts';
import { now, pause } from './deadline.ts';

const pollPeriod = 5;

/**
 * The exclusive lock on PGDATA: an flock(2) on the directory itself, so no file is added to it. The server inherits
 * the descriptor; as long as any of its processes lives, in whatever container on this machine, nobody else gets the
 * lock. postmaster.pid alone cannot tell: process ids of another container mean nothing here.
 */
export class DataDirectoryLock {
  readonly descriptor: number;
  /** False on file systems without such locks: then only postmaster.pid stands guard. */
  readonly isHeld: boolean;

  private constructor(descriptor: number, isHeld: boolean) {
    this.descriptor = descriptor;
    this.isHeld = isHeld;
  }

  /** Undefined when somebody else has it. */
  static take(libc: Libc, dataDirectory: string): DataDirectoryLock | undefined {
    const descriptor = openSync(dataDirectory, 'r');
    const answer = libc.lockExclusively(descriptor);
    if (answer === 'taken') {
      closeSync(descriptor);
      return undefined;
    }
    return new DataDirectoryLock(descriptor, answer === 'held');
  }

  /** Tries until the deadline (milliseconds): the processes of a server that was killed need a moment to notice. */
  static async takeWithin(
    libc: Libc,
    dataDirectory: string,
    deadline: number,
    signal: AbortSignal,
  ): Promise<DataDirectoryLock | undefined> {
    const end = now() + deadline;
    for (;;) {
      const lock = DataDirectoryLock.take(libc, dataDirectory);
      if (lock !== undefined || now() >= end || signal.aborted) return lock;
      await pause(pollPeriod, signal);
    }
  }

  /** Gives up this process's part; the lock itself lasts until the last process of the server has ended. */
  release(): void {
    closeSync(this.descriptor);
  }
}
