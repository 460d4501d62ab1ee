import type { Observation } from '../alignment/observation.ts';
import type { StopEvent } from '../alignment/stop-plan.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { ControlSignal } from '../process/signal-inbox.ts';
import type { Aligner } from './aligner.ts';
import { concludeEnd, concludeFailure } from './conclusion.ts';
import type { ServerEnd } from './server.ts';
import type { ServerNotes } from './server-notes.ts';

const stopEvents: Record<Exclude<ControlSignal, 'SIGHUP'>, StopEvent> = {
  SIGTERM: 'stop requested',
  SIGINT: 'stop requested',
  SIGQUIT: 'immediate stop requested',
};

/** How the process comes to its end: who asked for it, what went wrong, and the exit status that follows from both. */
export class Ending {
  readonly #observation: Observation;
  readonly #log: Logger;
  /** Calls off the preparation; everything later is the aligner's business. */
  readonly #calledOff = new AbortController();
  readonly #impatience = new AbortController();
  #aligner: Aligner | undefined;
  #fault: ManagerError | undefined;
  #asked: { readonly event: StopEvent; readonly signal: ControlSignal | undefined } | undefined;

  constructor(observation: Observation, log: Logger) {
    this.#observation = observation;
    this.#log = log;
  }

  /** Aborted by a stop that comes before there is an aligner. */
  get calledOff(): AbortSignal {
    return this.#calledOff.signal;
  }

  /** Aborted when somebody who has asked for the end asks again: tools are killed then. */
  get impatience(): AbortSignal {
    return this.#impatience.signal;
  }

  /** From here on the aligner takes the stops; one that came before is told to it. */
  handOverTo(aligner: Aligner): void {
    this.#aligner = aligner;
    if (this.#asked !== undefined) aligner.quit(this.#asked.event);
  }

  /** Somebody outside asks for the end. */
  requestBy(signal: Exclude<ControlSignal, 'SIGHUP'>): void {
    this.#request(stopEvents[signal], signal);
  }

  #request(event: StopEvent, signal: ControlSignal | undefined): void {
    const isAgain = this.#asked !== undefined && signal !== undefined;
    this.#asked ??= { event, signal };
    this.#log.info({ signal, phase: this.#observation.phase }, 'stop requested');
    if (this.#aligner === undefined) this.#calledOff.abort(new Error('stop requested'));
    else this.#aligner.quit(event);
    if (isAgain || event === 'immediate stop requested') this.#impatience.abort();
  }

  /** The manager cannot go on: the server is stopped in order, and the status is that of the first such error. */
  giveUp(error: unknown, why: string): void {
    const known =
      error instanceof ManagerError
        ? error
        : new ManagerError('INTERNAL', messageOf(error), { cause: error });
    this.#log.error({ error: known }, why);
    this.#fault ??= known;
    this.#request('fault', undefined);
  }

  /** The exit status when it never came to a server, or not to one that was left to its end. */
  concludeFailure(error: unknown): number {
    return concludeFailure(error, {
      fault: this.#fault,
      signal: this.#asked?.signal,
      isInterrupted: this.#observation.phase === 'initialising',
      log: this.#log,
    });
  }

  /** The exit status after the end of the last server. */
  concludeEnd(
    end: ServerEnd,
    about: {
      readonly notes: ServerNotes;
      readonly dataDirectory: string;
      readonly lastWords: () => Promise<void>;
    },
  ): Promise<number> {
    return concludeEnd(end, { ...about, fault: this.#fault, log: this.#log });
  }
}
