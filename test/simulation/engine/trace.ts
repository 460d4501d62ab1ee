export interface TraceLine {
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly detail: unknown;
}

const remembered = 60;

/** What happened last. Lines become text only when somebody reads them: nearly all schedules end without a reader. */
export class Trace {
  readonly #listener: ((line: string) => void) | undefined;
  readonly #ring: TraceLine[] = [];
  #count = 0;

  /** @param listener gets every line at once, for a replay */
  constructor(listener?: (line: string) => void) {
    this.#listener = listener;
  }

  note(at: number, who: string, what: string, detail?: unknown): void {
    const line = { at, who, what, detail };
    this.#ring[this.#count % remembered] = line;
    this.#count += 1;
    this.#listener?.(text(line));
  }

  /** The last lines, oldest first. */
  get last(): string[] {
    const from = Math.max(0, this.#count - remembered);
    const lines: string[] = [];
    for (let index = from; index < this.#count; index += 1) lines.push(text(this.#ring[index % remembered]!));
    return lines;
  }
}

function text({ at, who, what, detail }: TraceLine): string {
  const shown =
    detail === undefined ? '' : ` ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`;
  return `${(at / 1000).toFixed(3).padStart(8)}  ${who.padEnd(8)}  ${what}${shown}`;
}
