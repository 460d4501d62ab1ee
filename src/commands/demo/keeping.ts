import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Stage } from './place.ts';
import { killAllIn } from './processes.ts';

const program = fileURLToPath(new URL('keeper.ts', import.meta.url));

/** The other end of keeper.ts. */
export interface Keeping {
  /** Ends whatever still runs. Resolves with false when something could not be ended. */
  finish(): Promise<boolean>;
}

/** From here on nothing is left running, however this process ends. */
export function startKeeper({ directory, lock }: Stage): Keeping {
  const child = spawn(process.execPath, [program, directory], {
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore', lock],
  });
  const { promise: ended, resolve } = Promise.withResolvers<boolean>();
  child.once('exit', (code) => resolve(code === 0));
  child.once('error', () => resolve(false));
  child.stdin?.on('error', () => {});
  return {
    finish: async () => {
      child.stdin?.end();
      // Somebody may have killed it.
      return (await ended) || killAllIn(directory);
    },
  };
}
