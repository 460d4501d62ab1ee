import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findLeftBehind, markServer } from '../../../src/process/left-behind.ts';
import { directoryWith } from '../instance/support.ts';

/** Starts a program in the place of a process of a server, with a directory open as its descriptor 3. */
async function start(open: string, words: string, options: SpawnOptions = {}): Promise<ChildProcess> {
  const descriptor = openSync(open, 'r');
  const child = spawn('bash', ['-c', words], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    ...options,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  closeSync(descriptor);
  await once(child, 'spawn');
  await vi.waitFor(() => expect(readFileSync(`/proc/${child.pid}/comm`, 'utf8')).not.toBe('bash\n'));
  return child;
}

const server = 'exec sleep 600';

test('what a server leaves behind has its lock and runs its program', async () => {
  const directory = directoryWith();
  const link = join(directory, 'link');
  symlinkSync(directory, link);
  const mark = markServer(link, 'sleep');
  expect(findLeftBehind(mark)).toEqual([]);
  const children = [await start(directory, server), await start(link, server)];
  const pids = children.map(({ pid }) => pid!).sort((one, other) => one - other);
  expect(findLeftBehind(mark)).toEqual(pids);
  for (const child of children) child.kill('SIGKILL');
  await vi.waitFor(() => expect(findLeftBehind(mark)).toEqual([]));
});

test('nobody else is taken for it', async () => {
  const directory = directoryWith();
  await start('/', server, { cwd: directory });
  // The log collector.
  await start(directory, `trap '' QUIT; ${server}`);
  // What a command of the server, or a person, has there.
  await start(directory, 'exec tail -f /dev/null');
  if (process.geteuid?.() === 0) await start(directory, server, { uid: 65_534 });
  expect(findLeftBehind(markServer(directory, 'sleep'))).toEqual([]);
});
