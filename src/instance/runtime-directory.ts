import { accessSync, chmodSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError, systemErrorCode } from '../errors/manager-error.ts';

/** Directories outside PGDATA. All belong to this user alone, but for the socket's, which clients must enter. */
export interface RuntimeDirectories {
  /** Log pipes. */
  readonly log: string;
  /** Socket of the server. */
  readonly socket: string;
  /** Socket of the temporary server of a first boot: nobody else can enter it. */
  readonly privateSocket: string;
}

/** sun_path of sockaddr_un holds 107 characters and `/.s.PGSQL.65535` takes 15 of them. */
const longestSocketDirectory = 92;

/** Where sockets of containers are looked for, in order: the operator's volume, then Debian's place. */
const socketPlaces = ['/controller/run', '/run/postgresql', '/var/run/postgresql'];

/** Where private directories may live: the operator's volume, /run, then what a read-only root still lets us write. */
const runtimePlaces = ['/controller', '/run/manager', '/run/postgresql', '/tmp', '/dev/shm'];

export interface RuntimeRequest {
  /** --runtime-dir; undefined: the first of the usual places that can be written. */
  readonly runtimeDirectory: string | undefined;
  /** --socket-dir or an absolute PGHOST (contract 01, 1.8); undefined: the first of the usual places. */
  readonly socketDirectory: string | undefined;
}

/**
 * Finds or makes the directories.
 *
 * @throws RUNTIME_DIRECTORY
 */
export function prepareRuntimeDirectories(request: RuntimeRequest): RuntimeDirectories {
  const base =
    request.runtimeDirectory === undefined
      ? firstWritable(runtimePlaces, 'log pipes')
      : required(request.runtimeDirectory, 0o700);
  // Places that other users share get a directory of our own in them.
  const own = ['/tmp', '/dev/shm', '/run/postgresql'].includes(base)
    ? privateDirectory(join(base, 'manager'))
    : base;
  const socket =
    request.socketDirectory === undefined
      ? (socketPlaces.find(usableSocketDirectory) ?? required(join(own, 'run'), 0o755))
      : required(request.socketDirectory, 0o2775);
  if (socket.length > longestSocketDirectory) {
    throw new ManagerError('RUNTIME_DIRECTORY', `the path of the socket directory is too long: ${socket}`);
  }
  return {
    log: privateDirectory(join(own, 'log')),
    socket,
    privateSocket: privateDirectory(join(own, 'init')),
  };
}

/** The directories that a container engine makes for root and an unprivileged server needs. */
export const directoriesToGive = ['/run/postgresql', '/run/manager'];

function usableSocketDirectory(path: string): boolean {
  if (path.startsWith('/controller/') && !writable('/controller')) return false;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    return false;
  }
  return writable(path);
}

function firstWritable(places: readonly string[], what: string): string {
  for (const place of places) {
    if (place === '/run/manager') {
      try {
        mkdirSync(place, { mode: 0o700 });
      } catch {
        // Taken care of by the check.
      }
    }
    if (writable(place)) return place;
  }
  throw new ManagerError('RUNTIME_DIRECTORY', `none of ${places.join(', ')} can be written, for ${what}`);
}

function required(path: string, mode: number): string {
  try {
    mkdirSync(path, { recursive: true, mode });
    accessSync(path, constants.W_OK | constants.X_OK);
    return path;
  } catch (error) {
    const text = systemErrorCode(error) ?? String(error);
    throw new ManagerError('RUNTIME_DIRECTORY', `${path} cannot be written: ${text}`, { cause: error });
  }
}

/** A directory that is ours alone: in /tmp somebody else could have made one of the same name before us. */
function privateDirectory(path: string): string {
  required(path, 0o700);
  const entry = lstatSync(path);
  if (!entry.isDirectory() || entry.uid !== process.geteuid?.()) {
    throw new ManagerError('RUNTIME_DIRECTORY', `${path} belongs to somebody else`);
  }
  chmodSync(path, 0o700);
  return path;
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
