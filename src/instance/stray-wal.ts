import { lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import { syncDirectory } from './atomic-file.ts';

/** Directory in pg_wal, where the server does not look, and where a rename always works. */
const strayDirectory = '.stray';

/**
 * Moves files of pg_wal out of the way of the server, into a directory of this occasion: a segment of a name that was put
 * aside before may be another one, and neither takes the place of the other.
 *
 * @returns the directory
 */
export function putAside(dataDirectory: string, names: readonly string[]): string {
  const wal = join(dataDirectory, 'pg_wal');
  const place = makeDirectory(join(wal, strayDirectory));
  for (const name of names) renameSync(join(wal, name), join(place, name));
  for (const directory of [place, dirname(place), wal]) syncDirectory(directory);
  return place;
}

/** Whether a file of this name has been put aside before, and is still there. */
export function wasPutAside(dataDirectory: string, name: string): boolean {
  const stray = join(dataDirectory, 'pg_wal', strayDirectory);
  return isThere(stray) && readdirSync(stray).some((place) => isThere(join(stray, place, name)));
}

/**
 * Brings what was put aside out of the reach of pg_rewind, which removes every file and directory that its source lacks
 * (filemap.c, decide_file_action): beside pg_wal when that is a link to somewhere else, or else beside PGDATA. By a rename
 * alone, so that it lies on the same volume and is as lasting there.
 *
 * @returns the directory; undefined when there is nothing
 * @throws REWIND_IMPOSSIBLE when neither place can be written to, or lies on the same volume
 */
export function keepStrayWal(dataDirectory: string): string | undefined {
  const wal = join(dataDirectory, 'pg_wal');
  const stray = join(wal, strayDirectory);
  if (!isThere(stray)) return undefined;
  const data = realpathSync(dataDirectory);
  const realWal = realpathSync(wal);
  const root = realWal.startsWith(`${data}/`) ? data : realWal;
  let made: string | undefined;
  try {
    made = makeDirectory(`${root}.stray-wal`);
    renameSync(stray, made);
  } catch (error) {
    for (const directory of made === undefined ? [] : [made, dirname(made)]) removeIfEmpty(directory);
    if (!impossible.has(systemErrorCode(error) ?? '')) throw error;
    const why = `${stray} holds WAL that no primary has, and that pg_rewind would remove: move it away, or delete it, and start the manager anew (it cannot be moved beside ${root}: ${messageOf(error)})`;
    throw new ManagerError('REWIND_IMPOSSIBLE', why, { cause: error });
  }
  for (const directory of [wal, dirname(made), dirname(root)]) syncDirectory(directory);
  return made;
}

/** Another file system, a mount point, or a directory that is not ours to write. */
const impossible: ReadonlySet<string> = new Set(['EXDEV', 'EACCES', 'EPERM', 'EROFS', 'EBUSY']);

/** A new directory, named after the time, in one that is made when it is missing. */
function makeDirectory(parent: string): string {
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  for (let count = 1; ; count += 1) {
    const path = join(parent, count === 1 ? stamp : `${stamp}-${count}`);
    try {
      mkdirSync(path, { mode: 0o700 });
      return path;
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** Throws the system's error when that cannot be told: what is taken for absent may be removed by pg_rewind. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOTEMPTY') throw error;
  }
}
