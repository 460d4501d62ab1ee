import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Libc } from '../process/libc.ts';
import { now, pause } from './deadline.ts';

const pollPeriod = 5;

/**
 * Says which manager looks after a PGDATA. The lock on PGDATA itself cannot: the server inherits it, and one that was taken
 * over holds it alone. This one is closed to children (O_CLOEXEC, which Node sets), so that it ends with its manager. It is
 * an flock(2) on a file beside the log pipes, since only who reads the same pipes can take a server over; PGDATA gets no
 * file that a copy or a rewind would carry along. The file stays: whoever removed it could remove the next one's lock.
 */
export class OwnerLock {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Tries until the deadline (milliseconds), and once at least. Undefined when another manager has it. */
  static async takeWithin(
    libc: Libc,
    dataDirectory: string,
    logDirectory: string,
    deadline: number,
    signal: AbortSignal,
  ): Promise<OwnerLock | undefined> {
    const { dev, ino } = statSync(dataDirectory, { bigint: true });
    const descriptor = openSync(join(logDirectory, `owner-${dev}-${ino}`), 'a', 0o600);
    const end = now() + deadline;
    while (libc.lockExclusively(descriptor) === 'taken') {
      if (now() >= end || signal.aborted) {
        closeSync(descriptor);
        return undefined;
      }
      await pause(pollPeriod, signal);
    }
    return new OwnerLock(descriptor);
  }

  release(): void {
    closeSync(this.#descriptor);
  }
}
