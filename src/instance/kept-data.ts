import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import { keepMarker } from '../postgres/data-directory.ts';
import { syncDirectory, writeFileAtomically } from './atomic-file.ts';

/**
 * Where the data of an instance goes when a person asks for a new copy: beside PGDATA, since pg_rewind would remove it, and
 * a base backup copy it, inside. The name holds the request, so that one request is never carried out twice.
 */
function keptDirectory(dataDirectory: string, request: string): string {
  const stamp = request.replace(/[^0-9TZ]/g, '');
  return join(dirname(dataDirectory), `${basename(dataDirectory)}.before-reclone-${stamp}`);
}

/**
 * Whether a request for a new copy has not been carried out yet.
 *
 * @param request when it was made, as the status says; undefined: there is none
 */
export function isRecloneDue(dataDirectory: string, request: string | undefined): boolean {
  return request !== undefined && !existsSync(keptDirectory(dataDirectory, request));
}

/**
 * Moves everything in PGDATA into a directory beside it; nothing is deleted. While that lasts a marker stands in PGDATA, by
 * which the next start knows what it sees, and carries on (src/postgres/data-directory.ts). What cannot be moved to its end
 * is moved back.
 *
 * @returns the directory
 * @throws RECLONE_IMPOSSIBLE when it would have to be copied, as with a volume mounted at PGDATA itself
 */
export function keepData(dataDirectory: string, request: string): string {
  const place = keptDirectory(dataDirectory, request);
  const marker = join(dataDirectory, keepMarker);
  // Under another name until all is in it: only then is the request carried out.
  const unfinished = `${place}.part`;
  writeFileAtomically(marker, request);
  syncDirectory(dataDirectory);
  try {
    if (!existsSync(place)) {
      mkdirSync(unfinished, { recursive: true, mode: 0o700 });
      moveAll(dataDirectory, unfinished);
      syncDirectory(unfinished);
      renameSync(unfinished, place);
    }
  } catch (error) {
    if (existsSync(unfinished)) moveBack(unfinished, dataDirectory);
    syncDirectory(dataDirectory);
    unlinkSync(marker);
    if (!impossible.has(systemErrorCode(error) ?? '')) throw error;
    throw new ManagerError('RECLONE_IMPOSSIBLE', messageOf(error), { cause: error });
  }
  syncDirectory(dirname(dataDirectory));
  unlinkSync(marker);
  syncDirectory(dataDirectory);
  return place;
}

/** Carries on what was interrupted. @returns the directory */
export function keepRest(dataDirectory: string): string {
  return keepData(dataDirectory, readFileSync(join(dataDirectory, keepMarker), 'utf8'));
}

/** Another file system, a directory that is not ours to write, or a volume that is mounted within PGDATA. */
const impossible: ReadonlySet<string> = new Set(['EXDEV', 'EACCES', 'EBUSY']);

/** What stands in the way of something was never part of the data. The directory goes when nothing is left in it. */
function moveBack(from: string, to: string): void {
  const present = new Set(readdirSync(to));
  for (const name of readdirSync(from)) {
    if (!present.has(name)) renameSync(join(from, name), join(to, name));
  }
  if (readdirSync(from).length === 0) rmdirSync(from);
}

function moveAll(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (name !== 'lost+found' && name !== keepMarker) renameSync(join(from, name), join(to, name));
  }
}
