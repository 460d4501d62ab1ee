import { readFileSync } from 'node:fs';
import { childrenOf } from '../process/proc.ts';

/** So many looks at a program are taken in the time after which it counts as stalled. */
const looks = 20;

/**
 * Notices that a program has stopped getting anywhere: it prints nothing new, and neither it nor what it has started uses the
 * processor, reads or writes. Many of PostgreSQL's tools say nothing at all while they work.
 */
export class StallWatch {
  readonly #name: string;
  readonly #patience: number | undefined;
  readonly #stall = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #seen = '';
  #still = 0;

  /** @param patience milliseconds; undefined: it may stand still as long as it likes */
  constructor(name: string, patience: number | undefined) {
    this.#name = name;
    this.#patience = patience;
  }

  /** Aborted when the program has stalled. */
  get signal(): AbortSignal {
    return this.#stall.signal;
  }

  watch(pid: number): void {
    const patience = this.#patience;
    if (patience === undefined) return;
    this.#timer = setInterval(() => this.#look(pid, patience), patience / looks);
  }

  moved(): void {
    this.#still = 0;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(pid: number, patience: number): void {
    const seen = movementOf(pid);
    this.#still = seen === this.#seen ? this.#still + 1 : 0;
    this.#seen = seen;
    if (this.#still < looks) return;
    this.#stall.abort(new Error(`nothing new from ${this.#name} for ${patience / 1000} s`));
  }
}

/** What a process and its descendants have done so far, as text that changes when they do more. */
function movementOf(pid: number): string {
  const family = new Set([pid]);
  for (const member of family) for (const child of childrenOf(member)) family.add(child);
  return [...family].map((member) => `${member} ${timesOf(member)} ${read(member, 'io')}`).join('\n');
}

/** Processor time in user and in kernel mode (proc_pid_stat(5)). */
function timesOf(pid: number): string {
  const stat = read(pid, 'stat');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .join(' ');
}

/** Empty for a process that has just ended. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
