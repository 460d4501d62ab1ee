/** Who can reach whom. A cut is between two names, in both directions; several may cover the same pair. */
export class Network {
  readonly #cuts = new Map<string, number>();
  readonly #listeners: Array<(one: string, other: string, isOpen: boolean) => void> = [];

  isOpen(one: string, other: string): boolean {
    return this.#cuts.size === 0 || !this.#cuts.has(pair(one, other));
  }

  onChange(listener: (one: string, other: string, isOpen: boolean) => void): void {
    this.#listeners.push(listener);
  }

  cut(one: string, other: string): void {
    const key = pair(one, other);
    const before = this.#cuts.get(key) ?? 0;
    this.#cuts.set(key, before + 1);
    if (before === 0) for (const listener of this.#listeners) listener(one, other, false);
  }

  mend(one: string, other: string): void {
    const key = pair(one, other);
    const before = this.#cuts.get(key) ?? 0;
    if (before > 1) {
      this.#cuts.set(key, before - 1);
      return;
    }
    if (this.#cuts.delete(key)) for (const listener of this.#listeners) listener(one, other, true);
  }
}

function pair(one: string, other: string): string {
  return one < other ? `${one}|${other}` : `${other}|${one}`;
}
