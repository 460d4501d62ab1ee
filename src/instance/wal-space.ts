import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ManagerError, systemErrorCode } from '../errors/manager-error.ts';

const defaultSegment = 16 * 1024 * 1024;
const block = 256 * 1024;

/**
 * Whether pg_wal has room for one more segment. Other troubles than a full disk count as room: they are not for this
 * check to report (contract 04, 11.6).
 *
 * @param how `look` asks the file system and writes only when that leaves a doubt; `try` always writes a segment,
 *   which also meets quotas that the file system does not tell of
 */
export async function hasRoomForWal(dataDirectory: string, how: 'look' | 'try'): Promise<boolean> {
  const directory = join(dataDirectory, 'pg_wal');
  try {
    const segment = segmentSize(directory);
    if (how === 'look') {
      const { bavail, bsize } = await statfs(directory);
      if (bavail * bsize > 2 * segment) return true;
    }
    return canWrite(directory, segment);
  } catch {
    return true;
  }
}

/** @throws NO_SPACE, for which the operator waits instead of failing over (contract 01, 1.6). */
export async function requireRoomForWal(dataDirectory: string): Promise<void> {
  if (await hasRoomForWal(dataDirectory, 'look')) return;
  throw new ManagerError('NO_SPACE', `no room for another WAL segment in ${join(dataDirectory, 'pg_wal')}`);
}

/** Every segment has the same size, so any one tells it. */
function segmentSize(directory: string): number {
  const name = readdirSync(directory).find((entry) => /^[0-9A-F]{24}$/.test(entry));
  return name === undefined ? defaultSegment : statSync(join(directory, name)).size || defaultSegment;
}

function canWrite(directory: string, size: number): boolean {
  const place = mkdtempSync(join(directory, '_cnpg_probe_'));
  try {
    const descriptor = openSync(join(place, 'segment'), 'wx', 0o600);
    try {
      const zeroes = Buffer.alloc(block);
      for (let written = 0; written < size; written += block) writeSync(descriptor, zeroes);
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    return code !== 'ENOSPC' && code !== 'EDQUOT';
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
