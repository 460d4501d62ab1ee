import type { ChildProcess } from 'node:child_process';
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
  /** Called with its process id, which is that of its group. */
  readonly onStart?: (pid: number) => void;
  readonly onOutput: (stream: 'stdout' | 'stderr', output: Readable) => void;
  /** Ends the tool and everything it started: TERM first, KILL when it is still there after `grace` milliseconds. */
  readonly signal: AbortSignal;
  readonly grace: number;
  /** Ends the grace: KILL at once. It comes with `signal`, or later. */
  readonly kill: AbortSignal;
}

/** Milliseconds that the output of a program may stay open after its end: something that it left running may hold it for ever. */
const lastWordsPatience = 500;

/**
 * Runs a program to its end in a process group of its own, without a shell, and tells how it ended.
 *
 * Rejects when the program cannot be started.
 */
export async function runTool(
  children: Children,
  file: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<ChildExit> {
  const child = children.spawn(file, args, {
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: [
      standardInput(options.input),
      'pipe',
      'pipe',
      ...(options.inherit === undefined ? [] : [options.inherit]),
    ],
    detached: true,
  });
  const ended = end(child);
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const stop = () => void endGroup(child.pid, ended, options);
  if (options.signal.aborted) stop();
  options.signal.addEventListener('abort', stop);
  if (child.stdout !== null) options.onOutput('stdout', child.stdout);
  if (child.stderr !== null) options.onOutput('stderr', child.stderr);
  if (typeof options.input === 'object' && child.stdin !== null) feed(options.input, child.stdin);
  try {
    return await ended;
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

/** The exit, once all that the program has printed was taken. */
function end(child: ChildProcess): Promise<ChildExit> {
  const { promise, resolve, reject } = Promise.withResolvers<ChildExit>();
  child.once('error', reject);
  child.once('exit', (code, signal) => {
    const late = setTimeout(resolve, lastWordsPatience, { code, signal });
    child.once('close', () => {
      clearTimeout(late);
      resolve({ code, signal });
    });
  });
  return promise;
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

async function endGroup(
  pid: number | undefined,
  ended: PromiseLike<unknown>,
  { grace, kill }: ToolOptions,
): Promise<void> {
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const end = () => {
    signalGroup(pid, 'SIGKILL');
    resolve();
  };
  const timer = setTimeout(end, grace);
  kill.addEventListener('abort', end);
  if (kill.aborted) end();
  await Promise.race([ended, late]);
  clearTimeout(timer);
  kill.removeEventListener('abort', end);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}
