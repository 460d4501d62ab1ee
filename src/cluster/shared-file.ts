import { randomUUID } from 'node:crypto';
import { link, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';
import { type FileLock, longestPoll, takeLock } from './file-lock.ts';
import {
  type Contents,
  isWhole,
  readContents,
  replaceIfUnchanged,
  syncDirectory,
  writeBeside,
} from './file-replacement.ts';

/**
 * Milliseconds. A writer holds the lock for one of them, or for a few when it syncs; who holds it this long is stopped, or
 * its disk is. The shorter time leaves room for the write in the shortest period of a lease, one second.
 */
const lockPatience = { durable: 1_000, other: 250 } as const;
/** The same for a lock that was not to be had the last time. */
const shortPatience = 20;
/** How often a change is made anew because somebody without the lock, an editor, was faster. */
const mostConflicts = 10;
/** Milliseconds without a write after which a file that a person writes is taken to be whole. */
const calm = 25;
/** Milliseconds after which a file that never comes to rest is read as it is. */
const restless = 1_000;

/**
 * A small text file that several processes of one machine, and people with editors, read and replace.
 *
 * Who changes it holds the lock `<file>.lock`, writes the new text beside and gives it the file's name. Editors know
 * nothing of locks, and a process that was stopped in the middle (SIGSTOP, a frozen container) may go on after others have
 * stopped waiting for it. So the name is not taken but exchanged (RENAME_EXCHANGE), and then what was there is looked at:
 * if it is not what the change was made from, the two are exchanged back, and the change is a conflict. Nothing that
 * somebody else wrote is lost; the lock is there so that this stays rare, and nobody reads what is about to be put back.
 */
export class SharedFile {
  readonly path: string;
  readonly #libc: Libc;
  /** Whether a change must outlive a power failure. */
  readonly #isDurable: boolean;
  #wasStuck = false;
  #releasedAt = Number.NEGATIVE_INFINITY;

  constructor(path: string, libc: Libc, options: { readonly isDurable: boolean }) {
    this.path = path;
    this.#libc = libc;
    this.#isDurable = options.isDurable;
  }

  /**
   * The text, undefined when there is no such file. One that a person is writing just now is waited for until it comes to
   * rest: half of it may look like a whole one.
   *
   * @throws CLUSTER_UNREADABLE, AbortError
   */
  async read(signal: AbortSignal): Promise<string | undefined> {
    return (await this.#contents(signal))?.text;
  }

  /**
   * Replaces the text by what `change` makes of it; undefined leaves it alone. `change` is called again when somebody else
   * was faster.
   *
   * @returns the text afterwards
   * @throws CLUSTER_UNREADABLE, CLUSTER_CONFLICT, AbortError, what `change` throws
   */
  async update(
    change: (text: string) => Promise<string | undefined> | string | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    for (let attempt = 0; attempt < mostConflicts; attempt += 1) {
      const lock = await this.#lock(signal);
      try {
        const contents = await this.#contents(signal);
        if (contents === undefined) throw new ManagerError('CLUSTER_UNREADABLE', `${this.path} is missing`);
        const text = await change(contents.text);
        if (text === undefined || text === contents.text) return contents.text;
        if (await asUnreadable(() => this.#replace(contents, text, lock.isHeld))) return text;
      } finally {
        lock.release();
        this.#releasedAt = performance.now();
      }
    }
    throw new ManagerError('CLUSTER_CONFLICT', `${this.path} was replaced ${mostConflicts} times meanwhile`);
  }

  /**
   * Makes the file if it is missing: link(2) lets exactly one of those who try be the first, without any lock.
   *
   * @throws CLUSTER_UNREADABLE
   */
  async createOnce(text: string, mode: number): Promise<void> {
    await asUnreadable(async () => {
      if ((await readContents(this.path)) !== undefined) return;
      const beside = `${this.path}.${randomUUID()}.new`;
      try {
        await writeBeside(beside, text, { mode }, this.#isDurable);
        await link(beside, this.path);
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
      } finally {
        await rm(beside, { force: true });
      }
      if (this.#isDurable) await syncDirectory(dirname(this.path));
    });
  }

  async #lock(signal: AbortSignal): Promise<FileLock> {
    // Others look for the lock now and then; who gave it back a moment ago lets them have their turn.
    const rest = this.#releasedAt + longestPoll - performance.now();
    if (rest > 0) await pause(Math.ceil(rest), undefined, { signal });
    const full = this.#isDurable ? lockPatience.durable : lockPatience.other;
    const patience = this.#wasStuck ? shortPatience : full;
    const lock = await asUnreadable(() => takeLock(`${this.path}.lock`, this.#libc, patience, signal));
    this.#wasStuck = !lock.isHeld;
    return lock;
  }

  async #contents(signal: AbortSignal): Promise<Contents | undefined> {
    const began = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const contents = await asUnreadable(() => readContents(this.path));
      const waited = performance.now() - began;
      const isOver = waited > (contents === undefined ? 2 * calm : restless);
      const wait = contents === undefined ? calm : untilCalm(contents);
      if (wait <= 0 || isOver) return contents;
      await pause(wait, undefined, { signal });
    }
  }

  /** @returns false when the file is no longer what it was */
  async #replace(old: Contents, text: string, isLocked: boolean): Promise<boolean> {
    // Under the lock there is one writer, so what another left behind when it was killed is in nobody's way.
    const beside = isLocked ? `${this.path}.new` : `${this.path}.${randomUUID()}.new`;
    await rm(beside, { force: true });
    try {
      await writeBeside(beside, text, old, this.#isDurable);
      const names = { path: this.path, beside, old: old.text, text };
      if (!replaceIfUnchanged(this.#libc, names, isLocked)) return false;
    } finally {
      await rm(beside, { force: true });
    }
    if (this.#isDurable) await syncDirectory(dirname(this.path));
    return true;
  }
}

/** Milliseconds to wait until a file has come to rest; a clock that was set back is no reason to wait. */
function untilCalm(contents: Contents): number {
  const age = Date.now() - contents.modified;
  return isWhole(contents) || age < 0 ? 0 : calm - age;
}

async function asUnreadable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isSystemError = systemErrorCode(error) !== undefined && (error as Error).name !== 'AbortError';
    if (!isSystemError || error instanceof ManagerError) throw error;
    throw new ManagerError('CLUSTER_UNREADABLE', messageOf(error), { cause: error });
  }
}
