import type { ChildProcess } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { NamedProcess } from '../postgres/postmaster-pid.ts';
import type { Children } from '../process/children.ts';
import { type ChildExit, signalName } from '../process/exit-status.ts';
import type { WaitStatus } from '../process/libc.ts';
import { childrenOf, handlesSignal, signalProcess } from '../process/proc.ts';
import { pause } from './deadline.ts';

/** A running server, whether this process started it or found it. */
export interface Postmaster {
  readonly pid: number;
  /** Resolves when it has ended; never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Resolves when nobody can print to its output any more: its last words are in the log. */
  readonly silent: Promise<void>;
  /** False when it has already ended. */
  signal(signal: NodeJS.Signals): boolean;
}

export interface StartOptions {
  readonly children: Children;
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /**
   * Descriptor of the locked data directory. The server and all its processes inherit it, so that the lock lasts
   * as long as any of them lives, whatever becomes of this process. They have it as descriptor 3, by which they are known
   * (src/process/left-behind.ts).
   */
  readonly lockDescriptor: number | undefined;
  readonly onOutput: (stream: 'stdout' | 'stderr', output: Readable) => void;
}

/**
 * Starts a server as a direct child in its own session, so that a signal to our process group (Ctrl-C of a
 * terminal) does not reach it (contract 04, 11.1). Rejects when the program cannot be started.
 */
export function startPostmaster(options: StartOptions): Promise<Postmaster> {
  const { promise, resolve, reject } = Promise.withResolvers<Postmaster>();
  const child = options.children.spawn(options.executable, options.args, {
    detached: true,
    env: options.env,
    stdio: [
      'ignore',
      'pipe',
      'pipe',
      ...(options.lockDescriptor === undefined ? [] : [options.lockDescriptor]),
    ],
  });
  const exited = new Promise<ChildExit>((ended) => {
    child.once('exit', (code, signal) => ended({ code, signal }));
  });
  const silent = new Promise<void>((closed) => {
    child.once('close', () => closed());
  });
  child.once('error', reject);
  child.once('spawn', () => {
    child.off('error', reject);
    child.on('error', () => {});
    resolve({ pid: child.pid!, exited, silent, signal: (signal) => signalGently(child, signal) });
  });
  forward(child, options.onOutput);
  return promise;
}

/** By these a server is told of something new; one that has no handlers yet would die of them. */
const news: ReadonlySet<NodeJS.Signals> = new Set(['SIGHUP', 'SIGUSR1']);

/** It has its handlers before it reads the first file (PostmasterMain), so what it is not told it finds by itself. */
function signalGently(child: ChildProcess, signal: NodeJS.Signals): boolean {
  return (news.has(signal) && !handlesSignal(child.pid!, signal)) || child.kill(signal);
}

function forward(child: ChildProcess, onOutput: StartOptions['onOutput']): void {
  if (child.stdout !== null) onOutput('stdout', child.stdout);
  if (child.stderr !== null) onOutput('stderr', child.stderr);
}

/** How often a server that is not our child is looked for: nothing tells us of its end but its absence. */
const adoptionPoll = 250;

/**
 * Takes over a server that an earlier manager left running. Its exit status is known only if we are the process that
 * orphans are handed to.
 *
 * @param wasShutDown whether the data directory says that the server ended in order; stands in for an exit status
 */
export function adoptPostmaster(
  pid: number,
  onReaped: (listener: (status: WaitStatus) => void) => void,
  wasShutDown: () => boolean,
): Postmaster {
  const { promise: exited, resolve } = Promise.withResolvers<ChildExit>();
  const over = new AbortController();
  onReaped((status) => {
    if (status.pid !== pid) return;
    const signal = status.signal === undefined ? null : (signalName(status.signal) ?? null);
    over.abort();
    resolve({ code: status.exitCode ?? null, signal });
  });
  void watchAbsence(pid, over.signal).then(() => {
    over.abort();
    resolve({ code: wasShutDown() ? 0 : 1, signal: null });
  });
  // Its number may soon be that of another process.
  const signal = (name: NodeJS.Signals) => !over.signal.aborted && signalProcess(pid, name);
  return { pid, exited, silent: Promise.resolve(), signal };
}

/** What is known of a process: undefined when there is none. */
export async function lookAtProcess(pid: number): Promise<NamedProcess | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return state === 'Z' ? undefined : { command, workingDirectory: workingDirectory(pid) };
  } catch {
    return undefined;
  }
}

/**
 * Kills a postmaster and its processes: a session that is busy would notice the death of its postmaster only when it has
 * finished, and could commit meanwhile.
 */
export function killFamily(postmaster: Postmaster): void {
  const children = childrenOf(postmaster.pid);
  postmaster.signal('SIGKILL');
  for (const pid of children) signalProcess(pid, 'SIGKILL');
}

async function watchAbsence(pid: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await lookAtProcess(pid)) !== undefined) await pause(adoptionPoll, signal);
}

function workingDirectory(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
