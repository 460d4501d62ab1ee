import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Logger } from '../logs/manager-log.ts';
import type { Children } from '../process/children.ts';
import { signalProcess } from '../process/proc.ts';
import { watchdogWord } from '../process/watchdog-word.ts';

/** Milliseconds before one that has ended by itself, or could not be started, is started again. */
const restartPause = 1_000;
/** It does next to nothing, and shall need next to nothing. */
const frugality = ['--max-semi-space-size=1', '--max-old-space-size=16', '--single-threaded-gc'];

/** What is to be stopped when the lease runs out while this process is halted. */
export interface Guarded {
  /** Milliseconds of the clock that goes on while the machine sleeps. */
  readonly fenceAt: number;
  /** Undefined: one that is about to be started. */
  readonly postmaster: number | undefined;
}

export interface WatchdogOptions {
  readonly children: Children;
  readonly dataDirectory: string;
  /** File name of the server's program. */
  readonly executable: string;
  /** Milliseconds between the immediate stop and the kill. */
  readonly patience: number;
  /**
   * The server of an earlier manager is taken over. Whether that manager had asked it to become a primary nobody knows, so
   * its watchdog stays until this one is told something better.
   */
  readonly isTakingOver: boolean;
  readonly log: Logger;
}

const nothing = '0 0 0\n';

/** Starts the watchdog of this instance before there is something to guard, and keeps telling it until when. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #process: ChildProcess | undefined;
  #told = nothing;
  #hasPredecessor = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    if (!options.isTakingOver) this.#dismissPredecessor();
  }

  /** There will soon be something to guard: a process takes its time to start. */
  prepare(): void {
    this.#process ??= this.#start();
  }

  /** @param guarded undefined: there is nothing to guard at the moment */
  guard(guarded: Guarded | undefined): void {
    const { patience } = this.#options;
    const line =
      guarded === undefined
        ? nothing
        : `${Math.floor(guarded.fenceAt)} ${patience} ${guarded.postmaster ?? 0}\n`;
    if (line !== this.#told) {
      this.#told = line;
      this.prepare();
      this.#process?.stdin?.write(line);
    }
    this.#dismissPredecessor();
  }

  /** There is nothing to guard any more, and the watchdog goes home. */
  release(): void {
    clearTimeout(this.#timer);
    this.#told = nothing;
    const process = this.#process;
    this.#process = undefined;
    process?.stdin?.end(nothing);
    this.#dismissPredecessor();
  }

  #dismissPredecessor(): void {
    if (!this.#hasPredecessor) return;
    this.#hasPredecessor = false;
    dismissWatchdogs(this.#options.dataDirectory, this.#process?.pid);
  }

  #start(): ChildProcess {
    const { children, dataDirectory, executable } = this.#options;
    const words = [process.argv[1] ?? '', watchdogWord, dataDirectory, executable];
    const child = children.spawn(process.execPath, [...frugality, ...words], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
      detached: true,
    });
    child.stdin?.on('error', () => {});
    // One that could not be started (no processes left, no memory) has no exit.
    child.once('error', (error) => this.#ended(child, { error }));
    child.once('exit', (code, signal) => this.#ended(child, { code, signal }));
    this.#options.log.debug({ pid: child.pid }, 'watchdog started');
    return child;
  }

  /** Somebody has killed it, or it never was: until the next one is there, nobody guards what this process does. */
  #ended(child: ChildProcess, how: object): void {
    if (this.#process !== child) return;
    this.#process = undefined;
    this.#options.log.error(how, 'there is no watchdog; another one is started');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.prepare();
      this.#process?.stdin?.write(this.#told);
    }, restartPause);
  }
}

/** The watchdog of a manager that was killed would stop a server that has its lease from this one. */
function dismissWatchdogs(dataDirectory: string, own: number | undefined): void {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === own) continue;
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
