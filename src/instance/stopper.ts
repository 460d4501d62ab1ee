import {
  governingEvent,
  nextStopMode,
  type StopEvent,
  type StopMode,
  type StopPolicy,
  stopDeadline,
} from '../alignment/stop-plan.ts';
import type { Logger } from '../logs/manager-log.ts';
import { now } from './deadline.ts';
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
  readonly #policyFor: (event: StopEvent) => StopPolicy;
  readonly #checkpoint: (event: StopEvent) => Promise<void>;
  readonly #log: Logger;
  #mode: StopMode | undefined;
  #governing: StopEvent | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the present mode is over, by the clock of `now`. */
  #endsAt = Number.POSITIVE_INFINITY;

  /**
   * @param what the server, in log lines
   * @param policyFor how long each mode may take, for what asks for the stop
   * @param checkpoint writes a checkpoint while sessions still work, which makes the shutdown itself short
   */
  constructor(
    what: string,
    postmaster: Postmaster,
    policyFor: (event: StopEvent) => StopPolicy,
    checkpoint: (event: StopEvent) => Promise<void>,
    log: Logger,
  ) {
    this.#what = what;
    this.#postmaster = postmaster;
    this.#policyFor = policyFor;
    this.#checkpoint = checkpoint;
    this.#log = log;
    void postmaster.exited.then(() => clearTimeout(this.#timer));
  }

  /** The mode in force; undefined while nobody asked for a stop. */
  get mode(): StopMode | undefined {
    return this.#mode;
  }

  /** Begins a stop, or makes the one under way harder, or shorter. */
  push(event: StopEvent): void {
    const before = this.#mode;
    const governing = governingEvent(this.#governing, event);
    const isNewlyGoverned = governing !== this.#governing;
    this.#governing = governing;
    const policy = this.#policyFor(governing);
    const mode = nextStopMode(before, event, policy);
    const deadline = stopDeadline(mode, policy);
    if (mode === before) {
      if (isNewlyGoverned) this.#shorten(deadline);
      if (mode === 'kill' && event === 'deadline') this.#killAgain(deadline);
      return;
    }
    this.#mode = mode;
    this.#log.info({ mode, before, event, deadlineSeconds: deadline / 1000 }, `stopping ${this.#what}`);
    this.#wait(deadline);
    if (before === undefined && (mode === 'smart' || mode === 'fast'))
      this.#checkpointThenSignal(mode, event);
    else this.#signal(mode);
  }

  /** The mode is the same, but the time for it has become another: what is left of it is never made longer. */
  #shorten(deadline: number): void {
    const left = Math.min(deadline, this.#endsAt - now());
    this.#log.info(
      { mode: this.#mode, event: this.#governing, deadlineSeconds: left / 1000 },
      `stopping ${this.#what} sooner`,
    );
    this.#wait(Math.max(0, left));
  }

  /** One that has not worked yet (a process in uninterruptible sleep) is tried for as long as it takes. */
  #killAgain(deadline: number): void {
    this.#wait(deadline);
    this.#signal('kill');
  }

  #wait(deadline: number): void {
    clearTimeout(this.#timer);
    this.#endsAt = now() + deadline;
    this.#timer = setTimeout(() => this.push('deadline'), deadline);
  }

  #checkpointThenSignal(mode: StopMode, event: StopEvent): void {
    void this.#checkpoint(event)
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
