import { hardness, type Signal } from './signal.ts';

/** What a postmaster that hangs was told: nothing of it is lost, and nothing is done until it goes on. */
export class Hang {
  #signal: Signal | undefined;
  #isPromotion = false;

  /** Of several signals the hardest counts. @returns true: it is kept for later */
  holds(told: Signal | 'promotion'): true {
    if (told === 'promotion') this.#isPromotion = true;
    else if (this.#signal === undefined || hardness[told] > hardness[this.#signal]) this.#signal = told;
    return true;
  }

  /** What is done when it goes on: a stop before a promotion, whenever each was asked for. */
  get next(): Signal | 'promotion' | undefined {
    return this.#signal ?? (this.#isPromotion ? 'promotion' : undefined);
  }
}
