import { messageOf } from '../../errors/manager-error.ts';
import { pauseAskedBy } from '../../kubernetes/api-error.ts';
import type { Logger } from '../../logs/manager-log.ts';

/** Milliseconds for one duty; a store of the Cluster that does not answer must not hold up the others. */
const patience = 20_000;

/** Carries out duties of which each fails on its own: what goes wrong with one is told, and the next one is done. */
export class Duties {
  readonly #log: Logger;
  readonly #stopped: AbortSignal;
  /** By the names of the duties. */
  readonly #troubles = new Map<string, string>();
  #areDone = true;
  #pause = 0;

  constructor(log: Logger, stopped: AbortSignal) {
    this.#log = log;
    this.#stopped = stopped;
  }

  /** Whether all went well since `begin`. */
  get areDone(): boolean {
    return this.#areDone;
  }

  /** Milliseconds that an API server has asked for before it is asked again; 0: it has not. */
  get pause(): number {
    return this.#pause;
  }

  begin(): void {
    this.#areDone = true;
    this.#pause = 0;
  }

  /** @returns whether it went well */
  async attempt(name: string, duty: (signal: AbortSignal) => unknown): Promise<boolean> {
    if (this.#stopped.aborted) return false;
    try {
      await duty(AbortSignal.any([this.#stopped, AbortSignal.timeout(patience)]));
      this.#troubles.delete(name);
      return true;
    } catch (error) {
      if (!this.#stopped.aborted) this.#complain(name, error);
      return false;
    }
  }

  /** The same trouble is told once, not every two seconds. */
  #complain(name: string, error: unknown): void {
    this.#areDone = false;
    this.#pause = Math.max(this.#pause, pauseAskedBy(error));
    const text = messageOf(error);
    if (text !== this.#troubles.get(name))
      this.#log.warn({ error, duty: name }, 'upkeep: will be tried again');
    this.#troubles.set(name, text);
  }
}
