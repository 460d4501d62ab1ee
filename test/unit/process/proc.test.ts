import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { handlesSignal } from '../../../src/process/proc.ts';

test('a signal without a handler is known before it kills: a postmaster that has just begun has none', async () => {
  const script = "process.on('SIGHUP', () => {}); process.stdout.write('ready'); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  expect(handlesSignal(child.pid!, 'SIGHUP')).toBe(true);
  expect(handlesSignal(child.pid!, 'SIGUSR2')).toBe(false);
});
