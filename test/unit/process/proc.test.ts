import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { handlesSignal, hangOf } from '../../../src/process/proc.ts';

test('a signal without a handler is known before it kills: a postmaster that has just begun has none', async () => {
  const script = "process.on('SIGHUP', () => {}); process.stdout.write('ready'); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  expect(handlesSignal(child.pid!, 'SIGHUP')).toBe(true);
  expect(handlesSignal(child.pid!, 'SIGUSR2')).toBe(false);
});

test('a halted process hangs, one that waits for something that a signal could end does not', async () => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  expect(hangOf(child.pid!)).toBeUndefined();
  child.kill('SIGSTOP');
  await vi.waitFor(() => expect(hangOf(child.pid!)).toMatch(/^\d+$/));
  const marker = hangOf(child.pid!);
  expect(hangOf(child.pid!)).toBe(marker);
  child.kill('SIGCONT');
  await vi.waitFor(() => expect(hangOf(child.pid!)).toBeUndefined());
  expect(hangOf(2 ** 22 + 1)).toBeUndefined();
});
