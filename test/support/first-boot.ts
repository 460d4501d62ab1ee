import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { abortedPrefix } from '../../src/postgres/data-directory.ts';
import { type Manager, temporaryDirectory } from './manager.ts';

type Files = Record<string, string | Buffer>;

/** A home with files in its initialisation directory; names that end in `+x` lose that and become executable. */
export function homeWith(files: Files): string {
  const home = temporaryDirectory();
  const directory = join(home, 'init.d');
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name.replace(/\+x$/, ''));
    writeFileSync(path, content);
    if (name.endsWith('+x')) chmodSync(path, 0o755);
  }
  return home;
}

/** Names of the remains of interrupted initialisations. */
export const remains = (manager: Manager) =>
  readdirSync(manager.dataDirectory).filter((name) => name.startsWith(abortedPrefix));
