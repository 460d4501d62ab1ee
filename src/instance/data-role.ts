import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceFacts } from '../alignment/facts.ts';
import { joinMarker, standbySignal, tornMarker, unfinishedMarker } from '../postgres/data-directory.ts';

/**
 * What PGDATA holds, by its files alone, so that it works with the server down (contract 04, 7.1). Whatever else could be
 * in the directory was refused before (src/postgres/data-directory.ts).
 */
export function dataRoleOf(dataDirectory: string): InstanceFacts['data'] {
  const has = (name: string) => existsSync(join(dataDirectory, name));
  if (isTorn(dataDirectory)) return 'torn';
  if (!has('PG_VERSION') || has(unfinishedMarker) || has(joinMarker)) return 'empty';
  return has(standbySignal) ? 'standby' : 'primary';
}

/** Whether a rewind of this directory was begun and not completed. */
export function isTorn(dataDirectory: string): boolean {
  return lstatSync(join(dataDirectory, tornMarker), { throwIfNoEntry: false }) !== undefined;
}
