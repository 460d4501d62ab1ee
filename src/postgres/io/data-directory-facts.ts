import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, systemErrorCode } from '../../errors/manager-error.ts';
import type { DataDirectoryFacts } from '../data-directory.ts';

/** Where PGDATA lies when nobody says: a subdirectory, which any user can own, unless an older image left data above. */
const customaryParent = '/var/lib/postgresql/data';

/** The default of --pgdata: `/var/lib/postgresql/data` when that holds a database, else `…/data/pgdata`. */
export function defaultDataDirectory(): string {
  return isFile(join(customaryParent, 'PG_VERSION')) ? customaryParent : join(customaryParent, 'pgdata');
}

/** Looks at PGDATA without changing anything. Never throws: what cannot be seen is part of the answer. */
export function observeDataDirectory(path: string): DataDirectoryFacts {
  const nothing: DataDirectoryFacts = {
    path,
    kind: 'missing',
    problem: undefined,
    entries: [],
    ownerUid: -1,
    mode: 0,
    version: undefined,
    hasControlFile: false,
    elsewhere: [],
  };
  let ownerUid = nothing.ownerUid;
  try {
    const entry = followedStat(path);
    if (entry === undefined) return { ...nothing, elsewhere: findElsewhere(path) };
    ownerUid = entry.uid;
    if (!entry.isDirectory()) return { ...nothing, kind: 'not a directory' };
    const entries = readdirSync(path);
    return {
      ...nothing,
      kind: 'directory',
      entries,
      ownerUid,
      mode: entry.mode & 0o7777,
      version: entries.includes('PG_VERSION') ? firstLine(join(path, 'PG_VERSION')) : undefined,
      hasControlFile: isFile(join(path, 'global', 'pg_control')),
      elsewhere: entries.length === 0 ? findElsewhere(path) : [],
    };
  } catch (error) {
    return { ...nothing, ownerUid, kind: 'unreadable', problem: messageOf(error) };
  }
}

/** A dangling link is somebody's unmounted volume, not an invitation to create something: ENOENT only without a link. */
function followedStat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined) {
      return undefined;
    }
    throw error;
  }
}

/** Directories in which images of PostgreSQL have kept PGDATA, when they are not the one asked for. */
function findElsewhere(path: string): string[] {
  const base = '/var/lib/postgresql';
  if (!path.startsWith(`${base}/`)) return [];
  const candidates = [join(base, 'data'), join(base, 'data', 'pgdata'), dirname(path)];
  for (let major = 13; major <= 30; major += 1) candidates.push(join(base, String(major), 'docker'));
  return [...new Set(candidates)].filter((place) => place !== path && isFile(join(place, 'PG_VERSION')));
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function firstLine(path: string): string {
  return readFileSync(path, 'utf8').split('\n', 1)[0]?.trim() ?? '';
}
