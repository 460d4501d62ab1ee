import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlFile, parseControlFile } from '../postgres/control-file.ts';
import type { Login, ServerAddress } from '../postgres/io/connection.ts';
import { type PostmasterPidFile, parsePostmasterPid } from '../postgres/postmaster-pid.ts';
import { readIfPresent } from './atomic-file.ts';
import type { ServerContext } from './server-context.ts';
import type { DesiredState } from './settings.ts';

/** The superuser of the instance. */
export function loginOf({ firstBoot }: DesiredState): Login {
  return { user: firstBoot.superuser, database: 'postgres', password: firstBoot.password?.reveal() };
}

/**
 * Where the server listens: what it wrote into postmaster.pid, since its arguments may say something else than our
 * configuration; until then what was asked for.
 */
export function serverAddress(context: ServerContext): ServerAddress {
  const file = readPostmasterPid(context.dataDirectory);
  return {
    socketDirectory: file?.socketDirectory ?? context.directories.socket,
    port: file?.port ?? context.port,
  };
}

/** Undefined when there is no such file, or it says nothing. */
export function readPostmasterPid(dataDirectory: string): PostmasterPidFile | undefined {
  const text = readIfPresent(join(dataDirectory, 'postmaster.pid'));
  return text === undefined ? undefined : parsePostmasterPid(text);
}

/** The beginning of global/pg_control; undefined when it is missing or no control file. */
export function readControlFile(dataDirectory: string): ControlFile | undefined {
  try {
    return parseControlFile(readFileSync(join(dataDirectory, 'global', 'pg_control')));
  } catch {
    return undefined;
  }
}

/** Whether the last server of this directory has ended in order, by its control file. */
export function wasShutDown(dataDirectory: string): boolean {
  const state = readControlFile(dataDirectory)?.clusterState;
  return state === 'shut down' || state === 'shut down in recovery';
}
