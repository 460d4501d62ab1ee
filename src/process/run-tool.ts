import type { Readable, Writable } from 'node:stream';
import type { Children } from './children.ts';
import type { ChildExit } from './exit-status.ts';

export interface ToolOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Stream or open descriptor for its standard input; nothing when undefined. */
  readonly input?: Readable | number;
  /** Descriptor that the program and all it starts inherit, such as that of a lock. */
  readonly inherit?: number | undefined;
  readonly onOutput: (stream: 'stdout' | 'stderr', output: Readable) => void;
  /** Ends the tool and everything it started: TERM first, KILL when it is still there after `grace` milliseconds. */
  readonly signal: AbortSignal;
  readonly grace: number;
}

/**
 * Runs a program to its end in a process group of its own, without a shell, and tells how it ended. execa does the
 * work, with the defaults that would harm a database turned off; it is loaded at the first use.
 *
 * Rejects when the program cannot be started.
 */
export async function runTool(
  children: Children,
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<ChildExit> {
  const { execa } = await import('execa');
  const subprocess = execa(file, args, {
    env: options.env,
    extendEnv: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // The types of execa know descriptors 0 to 2 only; it hands on any number.
    stdio: [
      standardInput(options.input),
      'pipe',
      'pipe',
      ...(options.inherit === undefined ? [] : [options.inherit]),
    ] as ['pipe', 'pipe', 'pipe'],
    buffer: false,
    cleanup: false,
    forceKillAfterDelay: false,
    detached: true,
    reject: false,
  });
  children.track(subprocess.pid, subprocess);
  const stop = () => void endGroup(subprocess.pid, subprocess, options.grace);
  if (options.signal.aborted) stop();
  options.signal.addEventListener('abort', stop);
  options.onOutput('stdout', subprocess.stdout);
  options.onOutput('stderr', subprocess.stderr);
  if (typeof options.input === 'object' && subprocess.stdin !== null) feed(options.input, subprocess.stdin);
  try {
    const result = await subprocess;
    if (result.exitCode === undefined && result.signal === undefined)
      throw result.cause ?? new Error(`cannot run ${file}`);
    return { code: result.exitCode ?? null, signal: (result.signal as NodeJS.Signals | undefined) ?? null };
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

/** A program that does not read its input to the end (EPIPE) says with its exit status whether that is a failure. */
function feed(input: Readable, stdin: Writable): void {
  stdin.on('error', () => {});
  input.once('error', (error) => stdin.destroy(error)).pipe(stdin);
}

function standardInput(input: Readable | number | undefined): 'ignore' | 'pipe' | number {
  if (input === undefined) return 'ignore';
  return typeof input === 'number' ? input : 'pipe';
}

async function endGroup(pid: number | undefined, ended: PromiseLike<unknown>, grace: number): Promise<void> {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    signalGroup(pid, 'SIGKILL');
    resolve();
  }, grace);
  await Promise.race([ended, late]);
  clearTimeout(timer);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}
