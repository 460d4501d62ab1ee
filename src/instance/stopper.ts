import {
  nextStopMode,
  type StopEvent,
  type StopMode,
  type StopPolicy,
  stopDeadline,
} from '../alignment/stop-plan.ts';
import type { Logger } from '../logs/manager-log.ts';
import { killFamily, type Postmaster } from './postmaster.ts';

/** Signals of the postmaster (manual page of postgres). */
const signals: Record<StopMode, NodeJS.Signals> = {
  smart: 'SIGTERM',
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
  kill: 'SIGKILL',
};

/**
 * Brings one server down as src/alignment/stop-plan.ts decides: signals it, waits for the deadline of the mode,
 * goes on to the next. Never through pg_ctl, which gives up by a clock of its own.
 */
export class Stopper {
  readonly #what: string;
  readonly #postmaster: Postmaster;
  readonly #policy: () => StopPolicy;
  readonly #checkpoint: () => Promise<void>;
  readonly #log: Logger;
  #mode: StopMode | undefined;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param what the server, in log lines
   * @param checkpoint writes a checkpoint while sessions still work, which makes the shutdown itself short
   */
  constructor(
    what: string,
    postmaster: Postmaster,
    policy: () => StopPolicy,
    checkpoint: () => Promise<void>,
    log: Logger,
  ) {
    this.#what = what;
    this.#postmaster = postmaster;
    this.#policy = policy;
    this.#checkpoint = checkpoint;
    this.#log = log;
    void postmaster.exited.then(() => clearTimeout(this.#timer));
  }

  /** The mode in force; undefined while nobody asked for a stop. */
  get mode(): StopMode | undefined {
    return this.#mode;
  }

  /** Begins a stop, or makes the one under way harder. */
  push(event: StopEvent): void {
    const before = this.#mode;
    const mode = nextStopMode(before, event, this.#policy());
    if (mode === before) {
      // A kill that has not worked yet (a process in uninterruptible sleep) is tried for as long as it takes.
      if (mode === 'kill') this.#enter(mode);
      return;
    }
    this.#mode = mode;
    this.#log.info(
      { mode, before, event, deadlineSeconds: stopDeadline(mode, this.#policy()) / 1000 },
      `stopping ${this.#what}`,
    );
    this.#enter(mode);
    if (before === undefined && (mode === 'smart' || mode === 'fast')) this.#checkpointThenSignal(mode);
    else this.#signal(mode);
  }

  #enter(mode: StopMode): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.push('deadline'), stopDeadline(mode, this.#policy()));
  }

  #checkpointThenSignal(mode: StopMode): void {
    void this.#checkpoint()
      .catch((error: unknown) => this.#log.warn({ error }, 'no checkpoint before the stop'))
      .then(() => {
        if (this.#mode === mode) this.#signal(mode);
      });
  }

  #signal(mode: StopMode): void {
    if (mode === 'kill') killFamily(this.#postmaster);
    else this.#postmaster.signal(signals[mode]);
    // One that somebody has halted (SIGSTOP, a debugger) would act on none of them.
    this.#postmaster.signal('SIGCONT');
  }
}
