import { onTestFinished } from 'vitest';
import { run } from './root.ts';

export { mayMount, run } from './root.ts';

/**
 * Mounts a file system for one test.
 *
 * @param args of mount(8), without the directory
 */
export function mount(directory: string, ...args: readonly string[]): void {
  run('mount', ...args, directory);
  onTestFinished(() => void run('umount', '-l', directory));
}
