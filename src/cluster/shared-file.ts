import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { type FileHandle, link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';
import { type FileLock, longestPoll, takeLock } from './file-lock.ts';

/** Milliseconds. Writers hold the lock for a few of them; who holds it this long is stopped, or its disk is. */
const lockPatience = 1_000;
/** The same for a lock that was not to be had the last time. */
const shortPatience = 20;
/** How often a change is made anew because somebody without the lock, an editor, was faster. */
const mostConflicts = 10;
/** How often what was put back may turn out to be older than what it displaced; even, as two rounds change nothing. */
const mostRounds = 20;
/** Milliseconds without a write after which a file that a person writes is taken to be whole. */
const calm = 25;
/** Milliseconds after which a file that never comes to rest is read as it is. */
const restless = 1_000;

interface Contents {
  readonly text: string;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * A small text file that several processes of one machine, and people with editors, read and replace.
 *
 * Who changes it holds the lock `<file>.lock`, writes the new text beside and gives it the file's name. Editors know
 * nothing of locks, and a process that was stopped in the middle (SIGSTOP, a frozen container) may go on after others have
 * stopped waiting for it. So the name is not taken but exchanged (RENAME_EXCHANGE), and then what was there is looked at:
 * if it is not what the change was made from, the two are exchanged back, and the change is a conflict. Nothing that
 * somebody else wrote is lost; the lock is there so that this stays rare.
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
        if (await this.#readable(() => this.#replace(contents, text, lock.isHeld))) return text;
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
    await this.#readable(async () => {
      if ((await this.#readNow()) !== undefined) return;
      const beside = `${this.path}.${randomUUID()}.new`;
      try {
        await this.#writeBeside(beside, text, mode);
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
    const patience = this.#wasStuck ? shortPatience : lockPatience;
    const lock = await this.#readable(() => takeLock(`${this.path}.lock`, this.#libc, patience, signal));
    this.#wasStuck = !lock.isHeld;
    return lock;
  }

  async #contents(signal: AbortSignal): Promise<Contents | undefined> {
    const end = performance.now() + restless;
    for (;;) {
      signal.throwIfAborted();
      const contents = await this.#readable(() => this.#readNow());
      const wait = contents === undefined ? calm : untilCalm(contents.modified);
      const isMissing = contents === undefined && performance.now() > end - restless + 2 * calm;
      if (wait <= 0 || isMissing || performance.now() > end) return contents;
      await pause(wait, undefined, { signal });
    }
  }

  async #readNow(): Promise<Contents | undefined> {
    let file: FileHandle;
    try {
      file = await open(this.path, 'r');
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const { mode, uid, gid, mtimeMs } = await file.stat();
      const text = await file.readFile('utf8');
      return { text, mode: mode & 0o7777, owner: uid, group: gid, modified: mtimeMs };
    } finally {
      await file.close();
    }
  }

  /** @returns false when the file is no longer what it was */
  async #replace(old: Contents, text: string, isLocked: boolean): Promise<boolean> {
    // Under the lock there is one writer, so what another left behind when it was killed is in nobody's way.
    const beside = isLocked ? `${this.path}.new` : `${this.path}.${randomUUID()}.new`;
    await rm(beside, { force: true });
    try {
      await this.#writeBeside(beside, text, old.mode, old);
      if (!this.#exchange(beside, old.text, text, isLocked)) return false;
    } finally {
      await rm(beside, { force: true });
    }
    if (this.#isDurable) await syncDirectory(dirname(this.path));
    return true;
  }

  async #writeBeside(
    beside: string,
    text: string,
    mode: number,
    owner?: Pick<Contents, 'owner' | 'group'>,
  ): Promise<void> {
    const file = await open(beside, 'wx', mode);
    try {
      await file.chmod(mode);
      if (owner !== undefined) await giveTo(file, owner);
      await file.writeFile(text);
      const second = Math.floor(Date.now() / 1_000);
      await file.utimes(second, second);
      if (this.#isDurable) await file.sync();
    } finally {
      await file.close();
    }
  }

  /** In one turn of the event loop. */
  #exchange(beside: string, old: string, text: string, isLocked: boolean): boolean {
    try {
      if (!this.#libc.exchange(beside, this.path)) return this.#replaceBlindly(beside, old, isLocked);
    } catch (error) {
      // An editor has moved the file away and is about to make it anew.
      if (systemErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
    let displaced = readFileSync(beside, 'utf8');
    if (displaced === old) return true;
    let placed = text;
    for (let round = 0; round < mostRounds; round += 1) {
      this.#libc.exchange(beside, this.path);
      const next = readFileSync(beside, 'utf8');
      if (next === placed) break;
      // Written after ours, and so newer than what has just been put back.
      placed = displaced;
      displaced = next;
    }
    return false;
  }

  /** Without RENAME_EXCHANGE (NFS, say) a moment remains in which an editor's change may be lost. */
  #replaceBlindly(beside: string, old: string, isLocked: boolean): boolean {
    if (!isLocked) {
      throw new ManagerError(
        'CLUSTER_UNREADABLE',
        `${this.path}.lock cannot be had: another process holds it, or the file system has no locks`,
      );
    }
    if (readFileSync(this.path, 'utf8') !== old) return false;
    renameSync(beside, this.path);
    return true;
  }

  async #readable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (systemErrorCode(error) === undefined || (error as Error).name === 'AbortError') throw error;
      if (error instanceof ManagerError) throw error;
      throw new ManagerError('CLUSTER_UNREADABLE', messageOf(error), { cause: error });
    }
  }
}

/**
 * Milliseconds to wait until a file has come to rest. What we write is whole as soon as it has its name; it is known by
 * its time of modification, which is set to a full second.
 */
function untilCalm(modified: number): number {
  const age = Date.now() - modified;
  return Number.isInteger(modified / 1_000) || age < 0 ? 0 : calm - age;
}

/** Root's change of a file leaves it to its owner; nobody else may do that, and need not. */
async function giveTo(file: FileHandle, { owner, group }: Pick<Contents, 'owner' | 'group'>): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  await file.chown(owner, group).catch((error: unknown) => {
    // Root without capabilities, or of a user namespace that does not know that owner.
    if (!['EPERM', 'EINVAL'].includes(systemErrorCode(error) ?? '')) throw error;
  });
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
