import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { StallWatch } from '../../../src/instance/stall-watch.ts';

function watched(script: string, patience: number): StallWatch {
  const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', detached: true });
  const watch = new StallWatch('a tool', patience);
  watch.watch(child.pid!);
  onTestFinished(() => {
    watch.end();
    process.kill(-child.pid!, 'SIGKILL');
  });
  return watch;
}

test('a program that does nothing has stalled', async () => {
  const { signal } = watched('sleep 600', 200);
  await once(signal, 'abort');
  expect(signal.reason).toMatchObject({ message: 'nothing new from a tool for 0.2 s' });
});

test('what works silently has not, nor has what it has started', async () => {
  const working = watched('while :; do :; done', 2_000);
  const starting = watched('(while :; do :; done) & wait', 2_000);
  const idle = watched('sleep 600', 4_000);
  await once(idle.signal, 'abort');
  expect(working.signal.aborted).toBe(false);
  expect(starting.signal.aborted).toBe(false);
});

test('what prints has moved', async () => {
  const talking = watched('sleep 600', 1_000);
  const silent = watched('sleep 600', 2_000);
  const words = setInterval(() => talking.moved(), 20);
  await once(silent.signal, 'abort');
  clearInterval(words);
  expect(talking.signal.aborted).toBe(false);
});
