import { spawnSync } from 'node:child_process';

/**
 * Whether a component that tests need is there. In CI its absence is a failure; elsewhere the tests are skipped and the
 * reason is told.
 *
 * @param isPossible whether this machine can have it at all; where it cannot, CI passes over it too
 */
export function component(name: string, isThere: () => boolean, isPossible = () => true): boolean {
  const possible = isPossible();
  if (possible && isThere()) return true;
  if (possible && process.env.CI === 'true') throw new Error(`CI needs ${name}, which is not there`);
  process.stderr.write(`skipped: ${name} is not there\n`);
  return false;
}

/** Whether a program is on the PATH. */
export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0;
}
