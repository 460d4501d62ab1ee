import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { LineSplitter } from '../logs/line-splitter.ts';
import type { ChildExit } from '../process/exit-status.ts';
import { withPasswdEntry } from '../process/passwd-entry.ts';
import { runTool } from '../process/run-tool.ts';
import type { ServerContext } from './server-context.ts';
import { StallWatch } from './stall-watch.ts';

/** Milliseconds between TERM and KILL for a tool that is called off. */
const grace = 5_000;
/** Lines that are kept; the last ones tell what went wrong. */
const kept = 1_000;

export interface CaptureOptions {
  readonly signal: AbortSignal;
  /** Also into the log, as they come. */
  readonly isLogged?: boolean;
  readonly onLine?: (line: string) => void;
  /** Milliseconds without any movement after which it is called off; undefined: as long as it takes. */
  readonly stallAfter?: number;
  /** It is, or starts, a server in single-user mode, which looks for the name of its user (main.c, get_user_name_or_exit). */
  readonly needsUserName?: boolean;
}

export interface Captured {
  readonly exit: ChildExit;
  /** The last of what it printed. */
  readonly lines: readonly string[];
}

/**
 * Runs one of PostgreSQL's tools in the C locale and keeps what it prints, both streams in one.
 *
 * @throws USER_WITHOUT_NAME
 */
export async function captureTool(
  context: ServerContext,
  program: string,
  args: readonly string[],
  { signal, isLogged = false, onLine, stallAfter, needsUserName = false }: CaptureOptions,
): Promise<Captured> {
  const env = needsUserName ? withPasswdEntry(context.env, context.directories.privateSocket) : context.env;
  const lines: string[] = [];
  const stall = new StallWatch(basename(program), stallAfter);
  const read = (output: Readable) => {
    const splitter = new LineSplitter((line) => {
      if (line !== lines.at(-1)) stall.moved();
      if (lines.length === kept) lines.shift();
      lines.push(line);
      onLine?.(line);
    });
    output.on('data', (chunk: Buffer) => splitter.push(chunk));
    output.once('close', () => splitter.end());
    output.on('error', () => {});
  };
  const whenever = AbortSignal.any([signal, stall.signal]);
  const exit = await runTool(context.children, program, args, {
    env: { ...env, LC_ALL: 'C' },
    inherit: context.lockDescriptor,
    onStart: (pid) => stall.watch(pid),
    onOutput: (stream, output) => {
      read(output);
      if (isLogged) context.logOutput(basename(program), stream, output);
    },
    signal: whenever,
    grace,
    kill: context.impatience,
  }).finally(() => stall.end());
  whenever.throwIfAborted();
  return { exit, lines };
}
