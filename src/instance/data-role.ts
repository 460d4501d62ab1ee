import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataRole } from '../alignment/facts.ts';
import { messageOf, systemErrorCode } from '../errors/manager-error.ts';
import {
  contentOf,
  joinMarker,
  oldTimelineMarker,
  standbySignal,
  tornMarker,
  unfinishedMarker,
} from '../postgres/data-directory.ts';

export interface DataLook {
  readonly data: DataRole;
  /** Why it is `unclear`; undefined: it is not. */
  readonly problem: string | undefined;
  /** Of a primary: it was made on the timeline of before. */
  readonly isOnOldTimeline: boolean;
}

/**
 * What PGDATA holds, by its files alone, so that it works with the server down (contract 04, 7.1). Whatever else could be
 * in the directory when the process began was refused then (src/postgres/data-directory.ts); what has become of it since is
 * for nobody to guess. Only a file of which the system says that there is none is taken for absent. Never throws.
 */
export function lookAtData(dataDirectory: string): DataLook {
  const has = (name: string) => isThere(join(dataDirectory, name));
  const known = (data: DataRole, isOnOldTimeline = false) => ({ data, problem: undefined, isOnOldTimeline });
  try {
    if (isTorn(dataDirectory)) return known('torn');
    if (has(unfinishedMarker) || has(joinMarker)) return known('empty');
    if (has('PG_VERSION'))
      return has(standbySignal) ? known('standby') : known('primary', has(oldTimelineMarker));
    if (!isThere(dataDirectory) || contentOf(readdirSync(dataDirectory)).length === 0) return known('empty');
    return unclear(`${dataDirectory} is not empty, and has no PG_VERSION`);
  } catch (error) {
    return unclear(messageOf(error));
  }
}

const unclear = (problem: string) => ({ data: 'unclear', problem, isOnOldTimeline: false }) as const;

export function dataRoleOf(dataDirectory: string): DataRole {
  return lookAtData(dataDirectory).data;
}

/** Whether a rewind of this directory was begun and not completed. */
export function isTorn(dataDirectory: string): boolean {
  return lstatSync(join(dataDirectory, tornMarker), { throwIfNoEntry: false }) !== undefined;
}

function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
