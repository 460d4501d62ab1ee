import { join } from 'node:path';
import { readIfPresent, writeFilesAtomically } from './atomic-file.ts';
import type { ServerContext } from './server-context.ts';
import type { DesiredState } from './settings.ts';

export interface WriteOptions {
  readonly isFirstBoot: boolean;
  readonly enforced?: ReadonlyMap<string, string> | undefined;
}

/**
 * Brings the generated files of PGDATA up to date.
 *
 * @returns names of the files that were changed
 */
export function writeConfigurationFiles(
  context: ServerContext,
  desired: DesiredState,
  options: WriteOptions,
): string[] {
  return writeFilesAtomically(context.dataDirectory, filesFor(context, desired, options));
}

/** Whether `writeConfigurationFiles` would change anything. */
export function isConfigurationDue(context: ServerContext, desired: DesiredState): boolean {
  const files = filesFor(context, desired, { isFirstBoot: false });
  return [...files].some(([name, text]) => readIfPresent(join(context.dataDirectory, name)) !== text);
}

function filesFor(
  context: ServerContext,
  desired: DesiredState,
  { isFirstBoot, enforced = new Map() }: WriteOptions,
): ReadonlyMap<string, string> {
  return desired.configurationFiles({
    major: context.installation.major,
    port: context.port,
    socketDirectory: context.directories.socket,
    logDirectory: context.directories.log,
    isFirstBoot,
    enforced,
    current: (name) => readIfPresent(join(context.dataDirectory, name)),
  });
}
