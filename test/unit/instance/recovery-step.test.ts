import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { recoveryStep } from '../../../src/instance/recovery-step.ts';
import { childrenOf } from '../../../src/process/proc.ts';
import { eventually } from '../../support/manager.ts';

const work = 'while :; do :; done';

/** A parent whose children have the titles of a server's processes. */
async function family(children: Record<string, string>): Promise<{ parent: number; children: number[] }> {
  const scripts = Object.entries(children).map(
    ([title, script]) => `(exec -a 'postgres: demo: ${title}' bash -c '${script}') &`,
  );
  const parent = spawn('bash', ['-c', `${scripts.join('\n')}\nwait`], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void process.kill(-parent.pid!, 'SIGKILL'));
  const names = Object.keys(children);
  const title = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  const pids = await eventually('the processes with their titles', () => {
    const found = childrenOf(parent.pid!);
    const isComplete =
      found.length === names.length && found.every((pid) => title(pid).startsWith('postgres: '));
    return isComplete ? found : undefined;
  });
  return { parent: parent.pid!, children: pids };
}

/** Fields of /proc/PID/stat, from the state on. */
function stat(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
}

test.each([
  ['the startup process, before the replay', 'startup'],
  ['the checkpointer, after it', 'checkpointer performing end-of-recovery checkpoint'],
])('without a file in a title, the work of %s counts', async (_name, title) => {
  const { parent, children } = await family({ [title]: work, 'background writer': work });
  const [worker, other] = children as [number, number];
  const first = await eventually('some work', () => recoveryStep(parent) || undefined);
  expect(first).toMatch(/^[\d.]+ s of work$/);
  await eventually('more work', () => recoveryStep(parent) !== first);
  process.kill(worker, 'SIGSTOP');
  await eventually('it to stand still', () => stat(worker)[0] === 'T');
  const still = recoveryStep(parent);
  const before = Number(stat(other)[11]);
  await eventually('the other to work on', () => Number(stat(other)[11]) > before + 2);
  expect(recoveryStep(parent)).toBe(still);
});

test('the work of a replay does not count, but the file that it is at', async () => {
  const { parent } = await family({ 'startup recovering 00000001000000000000000A': work, walwriter: work });
  expect(recoveryStep(parent)).toBe('recovering 00000001000000000000000A');
});

test('nobody is at work', () => {
  expect(recoveryStep(undefined)).toBe('');
  expect(recoveryStep(process.pid)).toBe('');
});
