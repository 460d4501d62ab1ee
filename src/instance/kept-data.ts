import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import { tornMarker } from '../postgres/data-directory.ts';
import { syncDirectory } from './atomic-file.ts';

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
 * Moves everything in PGDATA into a directory beside it; nothing is deleted.
 *
 * @returns the directory
 * @throws RECLONE_IMPOSSIBLE when it would have to be copied, as with a volume mounted at PGDATA itself
 */
export function keepData(dataDirectory: string, request: string): string {
  const place = keptDirectory(dataDirectory, request);
  // Under another name until all is in it: only then is the request carried out.
  const unfinished = `${place}.part`;
  try {
    mkdirSync(unfinished, { recursive: true, mode: 0o700 });
    for (const name of inOrder(readdirSync(dataDirectory))) {
      if (name !== 'lost+found') renameSync(join(dataDirectory, name), join(unfinished, name));
    }
    renameSync(unfinished, place);
  } catch (error) {
    if (systemErrorCode(error) !== 'EXDEV' && systemErrorCode(error) !== 'EACCES') throw error;
    throw new ManagerError('RECLONE_IMPOSSIBLE', messageOf(error), { cause: error });
  }
  syncDirectory(dataDirectory);
  syncDirectory(dirname(dataDirectory));
  return place;
}

/**
 * If this is interrupted, the rest must still be known as a data directory, so that the request is carried on, and as one
 * that must not be started when it was marked so.
 */
const last: readonly string[] = ['global', 'PG_VERSION', tornMarker];

function inOrder(names: readonly string[]): string[] {
  return names.toSorted((a, b) => last.indexOf(a) - last.indexOf(b));
}
