import { logFileName } from '../logs/log-path.ts';
import { logPathSettings } from '../postgres/surroundings.ts';
import type { ServerContext } from './server-context.ts';
import type { InstanceSettings } from './settings.ts';

/**
 * What stands behind `-D PGDATA` on the command line of every server: the user's arguments, and last the settings of the
 * log path. There they win over the user's and over ALTER SYSTEM, either of which could lead the records past the pipes
 * into files that nobody reads or removes.
 */
export function serverArguments(
  { serverArguments: users }: InstanceSettings,
  { installation: { major }, directories }: ServerContext,
): string[] {
  const ours = logPathSettings({ major, logDirectory: directories.log, logFileName });
  return [...users, ...Object.entries(ours).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
