/** The longest time without an acknowledged row that an event has made, in milliseconds. */
export interface WriteGap {
  longest: number;
}

/** Milliseconds without a row that are no interruption, but the rhythm of the writer on a busy machine. */
const usual = 100;

/** One row, or the first after a time without any. */
export interface Acknowledgement {
  readonly at: number;
  readonly by: string;
  /** Milliseconds since the row before it; undefined for the first one. */
  readonly gap: number | undefined;
  /** Who acknowledged the row before it. */
  readonly before: string | undefined;
}

/** How long clients had to go without an acknowledged row: since the beginning, and by event. Times are milliseconds of one clock. */
export class GapTracker {
  /** The longest of all. */
  longest = 0;
  #last: { readonly at: number; readonly by: string } | undefined;
  readonly #open: WriteGap[] = [];

  /** The last acknowledged row. */
  get last(): { readonly at: number; readonly by: string } | undefined {
    return this.#last;
  }

  /**
   * Something was done: the gaps that follow are its own until the next event. One that has begun before goes on to be that
   * of the former event as well.
   */
  event(at: number): WriteGap {
    const isInterrupted = this.#last !== undefined && at - this.#last.at > usual;
    if (!isInterrupted) this.#open.length = 0;
    const gap: WriteGap = { longest: 0 };
    this.#open.push(gap);
    return gap;
  }

  acknowledged(at: number, by: string): Acknowledgement {
    const last = this.#last;
    this.#last = { at, by };
    const length = last === undefined ? undefined : at - last.at;
    this.longest = Math.max(this.longest, length ?? 0);
    for (const gap of this.#open) gap.longest = Math.max(gap.longest, length ?? 0);
    this.#open.splice(0, this.#open.length - 1);
    return { at, by, gap: length, before: last?.by };
  }

  /** The gap of an event as far as it goes now, a row that is still missing included. */
  soFar(gap: WriteGap, now: number): number {
    const isOpen = this.#open.includes(gap);
    return isOpen && this.#last !== undefined ? Math.max(gap.longest, now - this.#last.at) : gap.longest;
  }
}
