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
  { isFirstBoot, enforced = new Map() }: WriteOptions,
): string[] {
  const files = desired.configurationFiles({
    major: context.installation.major,
    port: context.port,
    socketDirectory: context.directories.socket,
    logDirectory: context.directories.log,
    isFirstBoot,
    enforced,
    current: (name) => readIfPresent(join(context.dataDirectory, name)),
  });
  return writeFilesAtomically(context.dataDirectory, files);
}
