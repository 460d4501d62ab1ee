import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What package-lock.json and the note that npm leaves in node_modules have in common. */
export interface Lock {
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  /** Not there where it does not fit the machine, or could not be built. */
  readonly optional?: boolean;
  readonly dev?: boolean;
}

/**
 * Whether everything that package-lock.json names is installed as it says. What is installed besides does not matter.
 *
 * @param wanted package-lock.json
 * @param installed node_modules/.package-lock.json, which npm writes when all is done; undefined: it is not there
 * @param withoutDev packages for development are not wanted
 */
export function isComplete(wanted: Lock, installed: Lock | undefined, withoutDev = false): boolean {
  const present = installed?.packages;
  if (present === undefined) return false;
  return Object.entries(wanted.packages ?? {}).every(([path, { version, integrity, optional, dev }]) => {
    // The project itself, which is in no node_modules.
    if (path === '') return true;
    const found = present[path];
    if (found === undefined) return optional === true || (withoutDev && dev === true);
    return found.version === version && found.integrity === integrity;
  });
}

/** The same for a directory with a package-lock.json; one without, such as a copy of the sources, is taken as it is. */
export function isInstalled(directory: string, withoutDev = false): boolean {
  const wanted = read(join(directory, 'package-lock.json'));
  const installed = read(join(directory, 'node_modules', '.package-lock.json'));
  return wanted === undefined || isComplete(wanted, installed, withoutDev);
}

function read(path: string): Lock | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Lock) : undefined;
}

/** `npm run setup`, in front of every script, when the time of the two files leaves a doubt: 0 when there is nothing to install. */
if (import.meta.main) {
  // As npm itself decides it (npm manual, config, omit).
  const omitted = process.env.npm_config_omit ?? (process.env.NODE_ENV === 'production' ? 'dev' : '');
  process.exitCode = isInstalled(join(import.meta.dirname, '..'), omitted.split(/\s+/).includes('dev'))
    ? 0
    : 1;
}
