import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The clone that this file lies in. */
const root = join(import.meta.dirname, '..', '..');
/** As many as `git rev-parse --short=12` shows. */
const digits = 12;

/**
 * The commit of the clone that the sources run from, from the files of git (gitrepository-layout(5)): a start does not wait
 * for a program.
 *
 * @returns `unknown` in an archive
 */
export function commitOfSources(clone = root): string {
  try {
    const directory = gitDirectory(clone);
    const head = text(join(directory, 'HEAD'));
    const [, name] = /^ref: (.+)$/.exec(head) ?? [];
    const commit = name === undefined ? head : resolveName(directory, name);
    return /^[0-9a-f]{40,}$/.test(commit) ? commit.slice(0, digits) : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** Of a worktree, `.git` is a file that names it. */
function gitDirectory(clone: string): string {
  const path = join(clone, '.git');
  const [, elsewhere] = /^gitdir: (.+)$/.exec(textIfFile(path) ?? '') ?? [];
  return elsewhere === undefined ? path : resolve(clone, elsewhere);
}

/** A branch lies in a file of its own until git packs it; all worktrees have the same. */
function resolveName(directory: string, name: string): string {
  const common = resolve(directory, textIfFile(join(directory, 'commondir')) ?? '.');
  const loose = textIfFile(join(common, name));
  if (loose !== undefined) return loose;
  const line = text(join(common, 'packed-refs'))
    .split('\n')
    .find((one) => one.endsWith(` ${name}`));
  return line?.split(' ')[0] ?? '';
}

function textIfFile(path: string): string | undefined {
  try {
    return text(path);
  } catch {
    return undefined;
  }
}

function text(path: string): string {
  return readFileSync(path, 'utf8').trim();
}
