import { readFileSync, renameSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ManagerError, systemErrorCode } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';

/** The steps by which a small file is read and replaced; shared-file.ts puts them together. */

/** How often what was put back may turn out to be older than what it displaced; even, as two rounds change nothing. */
const mostRounds = 20;

export interface FileOwner {
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
}

export interface Contents extends FileOwner {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** Undefined when there is no such file. */
export async function readContents(path: string): Promise<Contents | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
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

/**
 * Writes a file that is not there yet and will get another name. Its time of modification is a full second, by which
 * `isWhole` knows it.
 */
export async function writeBeside(
  beside: string,
  text: string,
  like: FileOwner | { readonly mode: number },
  isDurable: boolean,
): Promise<void> {
  const file = await open(beside, 'wx', like.mode);
  try {
    await file.chmod(like.mode);
    if ('owner' in like) await giveTo(file, like);
    await file.writeFile(text);
    const second = Math.floor(Date.now() / 1_000);
    await file.utimes(second, second);
    if (isDurable) await file.sync();
  } finally {
    await file.close();
  }
}

/** Whether a file is one of ours: those have their whole text before they have their name. */
export function isWhole({ modified }: Pick<Contents, 'modified'>): boolean {
  return Number.isInteger(modified / 1_000);
}

/**
 * Gives a new file the name of the present one, in one turn of the event loop, if that one still has its old text.
 *
 * @param isLocked whether all others who write are held off by a lock
 * @returns false when it has not, and is as it was found
 * @throws CLUSTER_UNREADABLE where the file system has no RENAME_EXCHANGE and there is no lock either
 */
export function replaceIfUnchanged(
  libc: Libc,
  { path, beside, old, text }: Record<'path' | 'beside' | 'old' | 'text', string>,
  isLocked: boolean,
): boolean {
  try {
    if (!libc.exchange(beside, path)) return replaceBlindly(path, beside, old, isLocked);
  } catch (error) {
    // An editor has moved the file away and is about to make it anew.
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
  let displaced = readFileSync(beside, 'utf8');
  if (displaced === old) return true;
  let placed = text;
  for (let round = 0; round < mostRounds; round += 1) {
    libc.exchange(beside, path);
    const next = readFileSync(beside, 'utf8');
    if (next === placed) break;
    // Written after ours, and so newer than what has just been put back.
    placed = displaced;
    displaced = next;
  }
  return false;
}

/** Without RENAME_EXCHANGE (NFS, say) a moment remains in which an editor's change may be lost. */
function replaceBlindly(path: string, beside: string, old: string, isLocked: boolean): boolean {
  if (!isLocked) {
    throw new ManagerError(
      'CLUSTER_UNREADABLE',
      `${path}.lock cannot be had: another process holds it, or the file system has no locks`,
    );
  }
  if (readFileSync(path, 'utf8') !== old) return false;
  renameSync(beside, path);
  return true;
}

/** Root's change of a file leaves it to its owner; nobody else may do that, and need not. */
async function giveTo(file: FileHandle, { owner, group }: FileOwner): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  await file.chown(owner, group).catch((error: unknown) => {
    // Root without capabilities, or of a user namespace that does not know that owner.
    if (!['EPERM', 'EINVAL'].includes(systemErrorCode(error) ?? '')) throw error;
  });
}

/** fsync of a directory: makes renames in it last. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
