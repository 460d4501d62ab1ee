import { closeSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { systemErrorCode } from '../errors/manager-error.ts';

/**
 * Replaces a file so that a crash leaves the old or the new text, never a part (contract 04, 1.5): written
 * beside it, synced, renamed. The caller syncs the directory, once for all the files it writes.
 *
 * @returns false when the file already had this text and was left alone
 */
export function writeFileAtomically(path: string, text: string, mode = 0o600): boolean {
  if (readIfPresent(path) === text) return false;
  const temporary = `${path}_${process.pid}`;
  try {
    const descriptor = openSync(temporary, 'w', mode);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    try {
      unlinkSync(temporary);
    } catch {
      // It may not have been made.
    }
    throw error;
  }
  return true;
}

/** fsync of a directory: makes renames and removals in it last. */
export function syncDirectory(path: string): void {
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
