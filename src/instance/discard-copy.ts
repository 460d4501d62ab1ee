import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { abortedPrefix, joinMarker } from '../postgres/data-directory.ts';
import { syncDirectory } from './atomic-file.ts';

/**
 * Removes the remains of an interrupted copy of the primary. Only what stands beside our own marker is touched, and the
 * marker goes last.
 *
 * @returns whether there was anything
 */
export function discardCopy(dataDirectory: string): boolean {
  if (!existsSync(join(dataDirectory, joinMarker))) return false;
  const remains = readdirSync(dataDirectory).filter(
    (name) => name !== joinMarker && name !== 'lost+found' && !name.startsWith(abortedPrefix),
  );
  for (const name of remains) rmSync(join(dataDirectory, name), { recursive: true });
  syncDirectory(dataDirectory);
  rmSync(join(dataDirectory, joinMarker));
  syncDirectory(dataDirectory);
  return true;
}
