import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { LineSplitter } from '../logs/line-splitter.ts';
import type { ChildExit } from '../process/exit-status.ts';
import { runTool } from '../process/run-tool.ts';
import type { ServerContext } from './server-context.ts';

/** Milliseconds between TERM and KILL for a tool that is called off. */
const grace = 5_000;
/** Lines that are kept; the last ones tell what went wrong. */
const kept = 1_000;

export interface CaptureOptions {
  readonly signal: AbortSignal;
  /** Also into the log, as they come. */
  readonly isLogged?: boolean;
  readonly onLine?: (line: string) => void;
  /** Milliseconds without anything new in what it prints after which it is called off; undefined: as long as it takes. */
  readonly stallAfter?: number;
}

/** Runs one of PostgreSQL's tools in the C locale and keeps what it prints, both streams in one. */
export async function captureTool(
  context: ServerContext,
  program: string,
  args: readonly string[],
  { signal, isLogged = false, onLine, stallAfter }: CaptureOptions,
): Promise<{ readonly exit: ChildExit; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const stall = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const moved = () => {
    if (stallAfter === undefined) return;
    clearTimeout(timer);
    timer = setTimeout(
      () => stall.abort(new Error(`nothing new from ${basename(program)} for ${stallAfter / 1000} s`)),
      stallAfter,
    );
  };
  const read = (output: Readable) => {
    const splitter = new LineSplitter((line) => {
      if (line !== lines.at(-1)) moved();
      if (lines.length === kept) lines.shift();
      lines.push(line);
      onLine?.(line);
    });
    output.on('data', (chunk: Buffer) => splitter.push(chunk));
    output.once('close', () => splitter.end());
    output.on('error', () => {});
  };
  moved();
  const whenever = AbortSignal.any([signal, stall.signal]);
  const exit = await runTool(context.children, program, args, {
    env: { ...context.env, LC_ALL: 'C' },
    inherit: context.lockDescriptor,
    onOutput: (stream, output) => {
      read(output);
      if (isLogged) context.logOutput(basename(program), stream, output);
    },
    signal: whenever,
    grace,
  }).finally(() => clearTimeout(timer));
  whenever.throwIfAborted();
  return { exit, lines };
}
