import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Logger } from '../logs/manager-log.ts';
import type { Children } from '../process/children.ts';
import { signalProcess } from '../process/proc.ts';
import { watchdogWord } from '../process/watchdog-word.ts';

/** Milliseconds before one that has ended by itself is started again. */
const restartPause = 1_000;
/** It does next to nothing, and shall need next to nothing. */
const frugality = ['--max-semi-space-size=1', '--max-old-space-size=16', '--single-threaded-gc'];

/** What is to be stopped when the lease runs out while this process is halted. */
export interface Guarded {
  /** Milliseconds of the clock that goes on while the machine sleeps. */
  readonly fenceAt: number;
  readonly postmaster: number;
}

/** Starts the watchdog of this instance when there is something to guard, and keeps telling it until when. */
export class Watchdog {
  readonly #children: Children;
  readonly #dataDirectory: string;
  readonly #patience: number;
  readonly #log: Logger;
  #process: ChildProcess | undefined;
  #told = '';
  #timer: NodeJS.Timeout | undefined;

  /** @param patience milliseconds between the immediate stop and the kill */
  constructor(children: Children, dataDirectory: string, patience: number, log: Logger) {
    this.#children = children;
    this.#dataDirectory = dataDirectory;
    this.#patience = patience;
    this.#log = log;
  }

  /** Undefined: there is nothing to guard any more, and the watchdog goes home. */
  guard(guarded: Guarded | undefined): void {
    if (guarded === undefined) {
      this.#release();
      return;
    }
    const { fenceAt, postmaster } = guarded;
    const line = `${Math.floor(fenceAt)} ${this.#patience} ${postmaster}\n`;
    if (line === this.#told) return;
    this.#told = line;
    this.#process ??= this.#start();
    this.#process.stdin?.write(line);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#told = '';
    const process = this.#process;
    this.#process = undefined;
    process?.stdin?.end('0 0 0\n');
  }

  #start(): ChildProcess {
    const program = process.argv[1] ?? '';
    const child = this.#children.spawn(
      process.execPath,
      [...frugality, program, watchdogWord, this.#dataDirectory],
      { stdio: ['pipe', 'ignore', 'ignore'], env: {}, detached: true },
    );
    child.stdin?.on('error', () => {});
    child.once('error', (error) => this.#log.error({ error }, 'no watchdog could be started'));
    child.once('exit', () => this.#ended(child));
    this.#log.debug({ pid: child.pid }, 'watchdog started');
    return child;
  }

  /** Somebody has killed it: the next one takes over. */
  #ended(child: ChildProcess): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    const line = this.#told;
    this.#log.warn('the watchdog has ended; another one is started');
    this.#timer = setTimeout(() => {
      if (line !== '' && this.#process === undefined) {
        this.#process = this.#start();
        this.#process.stdin?.write(this.#told);
      }
    }, restartPause);
  }
}

/** The watchdog of a manager that was killed would stop a server that this one takes over: it is sent home first. */
export function dismissWatchdogs(dataDirectory: string): void {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const words = argumentsOf(name);
    const at = words.indexOf(watchdogWord);
    if (at > 0 && words[at + 1] === dataDirectory) signalProcess(Number(name), 'SIGKILL');
  }
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
