import { cpSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemErrorCode } from '../errors/manager-error.ts';
import { abortedPrefix, stagingDirectory, unfinishedMarker } from '../postgres/data-directory.ts';
import { syncDirectory, syncTree } from './atomic-file.ts';

/** Where the content of a WAL directory outside PGDATA is kept among the remains. */
const walPlace = '.waldir';
/** Bytes of the number of a database system: the control file begins with it, a WAL segment has it in its first header. */
const identifierLength = 8;
const identifierInSegment = 24;

/**
 * Moves the remains of an interrupted initialisation into a directory of their own in PGDATA, with what it has put into a
 * WAL directory outside, which initdb wants to be empty (src/bin/initdb/initdb.c, create_xlog_or_symlink). Nothing is lost.
 *
 * @returns the directory
 */
export function setAside(dataDirectory: string, entries: readonly string[]): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const place = join(dataDirectory, `${abortedPrefix}${stamp}-${process.pid}`);
  mkdirSync(place, { mode: 0o700 });
  // While the link stands where it was, WAL that is not moved yet is still known to be remains.
  for (const root of [join(dataDirectory, stagingDirectory), dataDirectory]) setWalAside(root, place);
  // The marker goes last: if this is interrupted too, the rest is still known to be remains.
  const ordered = entries.toSorted((a, b) => Number(a === unfinishedMarker) - Number(b === unfinishedMarker));
  for (const name of ordered) renameSync(join(dataDirectory, name), join(place, name));
  syncDirectory(dataDirectory);
  return place;
}

/** initdb makes the link pg_wal once it has found the directory empty or made it: what is there now came through the link. */
function setWalAside(root: string, place: string): void {
  const link = join(root, 'pg_wal');
  const names = namesBehind(link);
  if (names.length === 0 || isForeign(root, link, names)) return;
  mkdirSync(join(place, walPlace), { mode: 0o700 });
  // The way to what is moved lasts before the first of it is removed where it was.
  for (const directory of [place, dirname(place)]) syncDirectory(directory);
  for (const name of names) move(join(link, name), join(place, walPlace, name));
  syncDirectory(join(place, walPlace));
}

/** Empty when there is no link, or nothing where it leads. */
function namesBehind(link: string): string[] {
  try {
    readlinkSync(link);
    return readdirSync(link).filter((name) => name !== 'lost+found');
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(systemErrorCode(error) ?? '')) return [];
    throw error;
  }
}

/** Whether somebody else uses the directory by now: WAL of another database system stays, and initdb says that it is there. */
function isForeign(root: string, link: string, names: readonly string[]): boolean {
  const own = beginning(join(root, 'global', 'pg_control'), 0);
  if (own === undefined) return false;
  const segments = names.filter((name) => /^[0-9A-F]{24}$/.test(name));
  return segments.some((name) => {
    const found = beginning(join(link, name), identifierInSegment);
    // A segment that is not in use yet is all zeros.
    return found !== undefined && !found.equals(own) && found.some((byte) => byte !== 0);
  });
}

function beginning(path: string, offset: number): Buffer | undefined {
  try {
    const bytes = readFileSync(path).subarray(offset, offset + identifierLength);
    return bytes.length === identifierLength ? bytes : undefined;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** A WAL directory is often a file system of its own, which nothing can be renamed out of. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV') throw error;
    cpSync(from, to, { recursive: true, preserveTimestamps: true });
    syncTree(to);
    syncDirectory(dirname(to));
    rmSync(from, { recursive: true });
  }
}
