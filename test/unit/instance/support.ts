import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A data directory with these files; names with a slash lie in directories of their own. Removed after the test. */
export function directoryWith(...names: readonly string[]): string {
  const home = mkdtempSync(join(tmpdir(), 'manager-unit-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const directory = join(home, 'data');
  mkdirSync(directory, { mode: 0o700 });
  for (const name of names) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), name);
  }
  return directory;
}
