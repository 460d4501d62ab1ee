import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLibc } from '../../src/process/libc.ts';
import { watchdogWord } from '../../src/process/watchdog-word.ts';
import { eventually, temporaryDirectory, withDeadline } from '../support/manager.ts';

const { bootTime } = openLibc();
const program = new URL('../../bin/manager.ts', import.meta.url).pathname;
/** Longer than any of these tests lasts. */
const never = 3_600_000;

function start(executable: string, args: readonly string[], cwd: string, open = cwd): ChildProcess {
  const descriptor = openSync(open, 'r');
  const stdio: StdioOptions = ['pipe', 'ignore', 'ignore', descriptor];
  const child = spawn(executable, args, { cwd, stdio, detached: true });
  closeSync(descriptor);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** A watchdog of a directory, and what stands for the servers there. */
function place() {
  const directory = temporaryDirectory();
  const watchdog = start(process.execPath, [program, watchdogWord, directory, 'sleep'], '/');
  return {
    directory,
    tell: (fenceAt: number, patience: number, pid: number) =>
      watchdog.stdin!.write(`${fenceAt === 0 ? 0 : Math.floor(fenceAt)} ${patience} ${pid}\n`),
    leave: () => watchdog.stdin!.end(),
    watchdog,
    server: (executable = 'sleep', ...args: string[]) => {
      const child = start(executable, args.length === 0 ? ['600'] : args, directory);
      writeFileSync(join(directory, 'postmaster.pid'), `${child.pid}\n${directory}\n`);
      return child;
    },
  };
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

async function endOf(child: ChildProcess, what: string): Promise<unknown> {
  const [code, signal] = await withDeadline(`the end of ${what}`, once(child, 'exit'), () => '');
  return code ?? signal;
}

test('a server whose time is over is stopped at once', async () => {
  const { tell, server } = place();
  const child = server();
  tell(bootTime() + 300, never, child.pid!);
  expect(await endOf(child, 'the server')).toBe('SIGQUIT');
});

test('it has the directory open: the number of one that is gone is soon that of another, with a server of its own', async () => {
  const { watchdog, directory } = place();
  const files = `/proc/${watchdog.pid}/fd`;
  await eventually('the directory to be open', () =>
    readdirSync(files).some((name) => linkOf(join(files, name)) === directory),
  );
});

test('one that does not obey is killed', async () => {
  const { tell, server, directory } = place();
  const child = server('bash', '-c', 'trap "" QUIT; touch ready; exec sleep 600');
  await eventually('the server to be deaf', () => existsSync(join(directory, 'ready')));
  tell(bootTime(), 300, child.pid!);
  expect(await endOf(child, 'the server')).toBe('SIGKILL');
});

test('one that is halted is stopped as well', async () => {
  const { tell, server } = place();
  const child = server();
  child.kill('SIGSTOP');
  tell(bootTime(), never, child.pid!);
  expect(await endOf(child, 'the server')).toBe('SIGQUIT');
});

test('a server that was announced is found when it comes, also too late', async () => {
  const { tell, server, watchdog } = place();
  tell(bootTime() - 1, never, 0);
  const child = server();
  expect(await endOf(child, 'the server')).toBe('SIGQUIT');
  expect(watchdog.exitCode).toBeNull();
});

test('a renewal and the end of the guard let a server live', async () => {
  const { tell, leave, server, watchdog } = place();
  const child = server();
  tell(bootTime() + 200, 0, child.pid!);
  tell(bootTime() + never, 0, child.pid!);
  tell(0, 0, 0);
  leave();
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});

test('one that was halted itself hears first what was said meanwhile', async () => {
  const { tell, leave, server, watchdog } = place();
  const first = server();
  tell(bootTime(), never, first.pid!);
  await endOf(first, 'the server by which the watchdog shows that it listens');
  const child = server();
  const end = bootTime() + 1_000;
  tell(end, 0, child.pid!);
  await eventually('the watchdog to have read it', () => bootTime() > end - 700);
  watchdog.kill('SIGSTOP');
  await eventually('the time to be over', () => bootTime() > end);
  tell(bootTime() + never, 0, child.pid!);
  watchdog.kill('SIGCONT');
  tell(0, 0, 0);
  leave();
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});

test('a manager that has died leaves a guard behind', async () => {
  const { tell, leave, server, watchdog } = place();
  const child = server();
  tell(bootTime() + 300, never, child.pid!);
  leave();
  expect(await endOf(child, 'the server')).toBe('SIGQUIT');
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
});

test('one that died before it had started its server leaves a guard of limited time', async () => {
  const { tell, leave, watchdog } = place();
  tell(bootTime() + 100, 200, 0);
  leave();
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
});

test('what a server leaves behind ends with it, however long the lease is', async () => {
  const { tell, leave, server, directory, watchdog } = place();
  const child = server();
  const session = start('sleep', ['600'], '/', directory);
  const shell = start('bash', ['-c', 'read -r _'], directory);
  tell(bootTime() + never, never, child.pid!);
  child.kill('SIGKILL');
  expect(await endOf(session, 'the session')).toBe('SIGKILL');
  leave();
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
  expect(shell.signalCode).toBeNull();
});

test('the next server is not taken for what the last one has left behind', async () => {
  const { tell, leave, server, watchdog } = place();
  const first = server();
  tell(bootTime() + never, never, first.pid!);
  watchdog.kill('SIGSTOP');
  first.kill('SIGKILL');
  tell(bootTime() + never, never, 0);
  const next = server();
  watchdog.kill('SIGCONT');
  tell(bootTime() + never, never, next.pid!);
  tell(0, 0, 0);
  leave();
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
  expect([next.exitCode, next.signalCode]).toEqual([null, null]);
});

test('a stale postmaster.pid names nobody', async () => {
  const { tell, leave, directory, watchdog } = place();
  const elsewhere = start('sleep', ['600'], '/');
  writeFileSync(join(directory, 'postmaster.pid'), `${elsewhere.pid}\n`);
  tell(bootTime() - 1, 100, 0);
  leave();
  expect(await endOf(watchdog, 'the watchdog')).toBe(0);
  expect(elsewhere.signalCode).toBeNull();
});
