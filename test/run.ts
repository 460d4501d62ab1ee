import { spawnSync } from 'node:child_process';
import { prepareMachine } from './setup/machine.ts';

/**
 * `npm test`: sets the machine up as far as it can, checks the sources, runs every layer. Arguments go to vitest
 * (`npm test -- --project unit`), and then the sources are not checked again.
 */
const args = process.argv.slice(2);
prepareMachine();
const steps: Array<readonly [string, readonly string[]]> = [
  ...(args.length === 0 ? [['npm', ['run', '--silent', 'lint']] as const] : []),
  ['vitest', ['run', '--config', 'test/vitest.config.ts', ...args]],
];
for (const [program, programArgs] of steps) {
  const { status, error } = spawnSync(program, programArgs, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
