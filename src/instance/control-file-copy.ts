import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError, systemErrorCode } from '../errors/manager-error.ts';
import { parseControlFile } from '../postgres/control-file.ts';
import type { Libc } from '../process/libc.ts';
import { syncDirectory, writeBytesAtomically } from './atomic-file.ts';

/**
 * A copy of global/pg_control for the time of a rewind: pg_rewind replaces that file last, and without one nothing could
 * begin anew.
 *
 * It must outlive a reboot, which the runtime directory does not, and lie on the volume of PGDATA, which may be mounted at
 * PGDATA itself below a directory that is not ours to write. So it has to be in PGDATA, where pg_rewind removes every plain
 * file, directory and link that the source lacks, and passes over everything else (file_ops.c, recurse_dir; so does
 * pg_basebackup). A FIFO holds nothing but its name; and names are enough, since the control file is some 300 bytes and
 * zeros: PG_CONTROL_MAX_SAFE_SIZE, 512, keeps it within one sector.
 */
const prefix = '.rewind-control-';
/** PG_CONTROL_FILE_SIZE (catalog/pg_control.h). */
const fileSize = 8192;
/** As base64 they leave room for the prefix among the 255 characters of a name. */
const bytesPerName = 160;

/** Makes the copy, or, when the file itself has been lost, the file from the copy. @throws PGDATA_INCOMPLETE when neither is there */
export function keepControlFile(dataDirectory: string, libc: Libc): void {
  const bytes = readControlBytes(dataDirectory);
  if (bytes.length > 0) writeCopy(dataDirectory, bytes, libc);
  else restore(dataDirectory);
}

/** Whether the file is still what was copied. */
export function isControlFileKept(dataDirectory: string): boolean {
  return readCopy(dataDirectory)?.equals(readControlBytes(dataDirectory)) === true;
}

/** A server may have none of it: as the source of a rewind it would name them as files, and reading a FIFO has no end. */
export function removeControlFileCopy(dataDirectory: string): void {
  for (const name of namesIn(dataDirectory)) rmSync(join(dataDirectory, name));
  syncDirectory(dataDirectory);
}

function writeCopy(dataDirectory: string, bytes: Buffer, libc: Libc): void {
  if (isControlFileKept(dataDirectory)) return;
  removeControlFileCopy(dataDirectory);
  const used = bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1);
  const count = Math.ceil(used.length / bytesPerName);
  for (let index = 0; index < count; index += 1) {
    const part = used.subarray(index * bytesPerName, (index + 1) * bytesPerName);
    const name = `${prefix}${index + 1}-of-${count}-${part.toString('base64url')}`;
    libc.mkfifo(join(dataDirectory, name), 0o600);
  }
  syncDirectory(dataDirectory);
}

/** Undefined when there is none, or a part of it is missing. */
function readCopy(dataDirectory: string): Buffer | undefined {
  const parts = namesIn(dataDirectory).map((name) => {
    const [, index, count, text = ''] = /(\d+)-of-(\d+)-(.*)$/.exec(name) ?? [];
    return { index: Number(index), count: Number(count), bytes: Buffer.from(text, 'base64url') };
  });
  if (parts.length === 0 || parts.some(({ count }) => count !== parts.length)) return undefined;
  const used = parts.toSorted((a, b) => a.index - b.index).map(({ bytes }) => bytes);
  const copy = Buffer.concat(used, fileSize);
  return parseControlFile(copy) === undefined ? undefined : copy;
}

function restore(dataDirectory: string): void {
  const path = join(dataDirectory, 'global', 'pg_control');
  const copy = readCopy(dataDirectory);
  if (copy === undefined)
    throw new ManagerError('PGDATA_INCOMPLETE', `${path} is empty, and there is no copy of it`);
  writeBytesAtomically(path, copy);
}

/** Empty when there is no file, as well as when it is. */
function readControlBytes(dataDirectory: string): Buffer {
  try {
    return readFileSync(join(dataDirectory, 'global', 'pg_control'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function namesIn(dataDirectory: string): string[] {
  return readdirSync(dataDirectory).filter((name) => name.startsWith(prefix));
}
