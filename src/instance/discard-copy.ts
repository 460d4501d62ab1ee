import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { abortedPrefix, joinMarker } from '../postgres/data-directory.ts';
import { syncDirectory } from './atomic-file.ts';

/**
 * Removes the remains of an interrupted copy of the primary. Only what stands beside our own marker is touched, and the
 * marker goes last. The copy may be of any size: the event loop goes on meanwhile.
 *
 * @returns whether there was anything
 */
export async function discardCopy(dataDirectory: string): Promise<boolean> {
  if (!existsSync(join(dataDirectory, joinMarker))) return false;
  const remains = readdirSync(dataDirectory).filter(
    (name) => name !== joinMarker && name !== 'lost+found' && !name.startsWith(abortedPrefix),
  );
  for (const name of remains) await rm(join(dataDirectory, name), { recursive: true });
  syncDirectory(dataDirectory);
  await rm(join(dataDirectory, joinMarker));
  syncDirectory(dataDirectory);
  return true;
}
