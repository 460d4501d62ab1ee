import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemErrorCode } from '../errors/manager-error.ts';

/** Replaces one file as `writeFilesAtomically` does, but the caller syncs the directory. */
export function writeFileAtomically(path: string, text: string, mode = 0o600): boolean {
  return replaceFiles(new Map([[path, text]]), mode).length > 0;
}

/**
 * Replaces files of one directory so that a crash leaves the old or the new text of each, never a part (contract 04,
 * 1.5): written beside it, synced, renamed; then the directory is synced. All are written before the first is synced,
 * which lets a journal take them together, and renamed in their order.
 *
 * @param files texts by name
 * @returns names of those that did not have this text already
 */
export function writeFilesAtomically(directory: string, files: ReadonlyMap<string, string>): string[] {
  const paths = new Map([...files].map(([name, text]) => [join(directory, name), text]));
  const changed = replaceFiles(paths, 0o600);
  if (changed.length > 0) syncDirectory(directory);
  return changed.map((path) => basename(path));
}

/** Makes a file that appears, and lasts, only with all its bytes. */
export function writeBytesAtomically(path: string, bytes: Uint8Array): void {
  const temporary = `${path}_${process.pid}`;
  try {
    writeFileSync(temporary, bytes, { mode: 0o600 });
    syncFile(temporary);
    renameSync(temporary, path);
  } catch (error) {
    removeIfPossible(temporary);
    throw error;
  }
  syncDirectory(dirname(path));
}

function replaceFiles(files: ReadonlyMap<string, string>, mode: number): string[] {
  const changed = [...files].filter(([path, text]) => readIfPresent(path) !== text);
  const temporary = (path: string) => `${path}_${process.pid}`;
  try {
    for (const [path, text] of changed) writeFileSync(temporary(path), text, { mode });
    for (const [path] of changed) syncFile(temporary(path));
    for (const [path] of changed) renameSync(temporary(path), path);
  } catch (error) {
    for (const [path] of changed) removeIfPossible(temporary(path));
    throw error;
  }
  return changed.map(([path]) => path);
}

/** After a failure that is told already. */
function removeIfPossible(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It may not have been made.
  }
}

/** fsync of a directory: makes renames and removals in it last. */
export function syncDirectory(path: string): void {
  syncFile(path);
}

/** fsync of a file, or of a directory after all that is in it. A link lasts with the directory that holds it. */
export function syncTree(path: string): void {
  const entry = lstatSync(path);
  if (entry.isDirectory()) for (const name of readdirSync(path)) syncTree(join(path, name));
  if (entry.isDirectory() || entry.isFile()) syncFile(path);
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined when there is no such file. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
