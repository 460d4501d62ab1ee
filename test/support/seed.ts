import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { eventually } from './eventually.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Directory for what is made once and used by all files of a run. */
    readonly seedPlace: string;
  }
}

/** For vitest: makes the place before the first file, and takes it away after the last. */
export default function setup(project: TestProject): () => void {
  const place = mkdtempSync(join(tmpdir(), 'manager-test-seed-'));
  project.provide('seedPlace', place);
  return () => rmSync(place, { recursive: true, force: true });
}

/**
 * The PGDATA of a primary that was stopped in order, from which a test grows its cluster: initdb and two base backups are
 * needed once, not for each.
 *
 * @param grow makes one, and gives its directory
 */
export async function seedIn(place: string, grow: () => Promise<string>): Promise<string> {
  const seed = join(place, 'data');
  const begun = join(place, 'begun');
  // Files run side by side: the first that comes makes it, or the next one if that has failed.
  await eventually('the seed of the clusters', async () => {
    if (existsSync(seed)) return true;
    if (mkdirSync(begun, { recursive: true }) === undefined) return false;
    try {
      copyDirectory(await grow(), `${seed}.part`);
      renameSync(`${seed}.part`, seed);
    } finally {
      rmSync(begun, { recursive: true });
    }
    return true;
  });
  return seed;
}

/** With owners and modes. */
export function copyDirectory(from: string, to: string): void {
  execFileSync('cp', ['-a', '--reflink=auto', from, to]);
}
