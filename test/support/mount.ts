import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** Runs a program of the system as root. */
export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Mounts a file system for one test.
 *
 * @param args of mount(8), without the directory
 */
export function mount(directory: string, ...args: readonly string[]): void {
  run('mount', ...args, directory);
  onTestFinished(() => void run('umount', '-l', directory));
}
