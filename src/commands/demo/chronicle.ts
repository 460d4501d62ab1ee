import type { WriteGap } from './gaps.ts';

/** One thing that has happened. */
export interface Entry {
  /** Milliseconds since the demo began. */
  readonly at: number;
  /** An instance, or `you`, `writer`, `lease`, `cluster`, `demo`; empty for what explains the rest. */
  readonly who: string;
  readonly text: string;
  /** Of interest to those who want to see every step; not in recordings, nor among the events of the screen. */
  readonly isDetail: boolean;
  /** Of what was done: the time without an acknowledged row that followed. */
  readonly gap?: WriteGap;
}

/** Entries that a screen could ever show. */
const longest = 200;

/** What has happened, in order. */
export class Chronicle {
  readonly entries: Entry[] = [];
  readonly #clock: () => number;
  readonly #listeners: Array<(entry: Entry) => void> = [];

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  onEntry(listener: (entry: Entry) => void): void {
    this.#listeners.push(listener);
  }

  note(who: string, text: string, gap?: WriteGap): void {
    this.#add({ who, text, isDetail: false, ...(gap === undefined ? {} : { gap }) });
  }

  detail(who: string, text: string): void {
    this.#add({ who, text, isDetail: true });
  }

  #add(entry: Omit<Entry, 'at'>): void {
    const added = { at: this.#clock(), ...entry };
    this.entries.push(added);
    if (this.entries.length > longest) this.entries.shift();
    for (const listener of this.#listeners) listener(added);
  }
}
