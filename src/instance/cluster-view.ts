import type { ClusterReading, ClusterSource } from '../cluster/source.ts';
import type { ClusterStatus } from '../cluster/status.ts';
import { messageOf } from '../errors/manager-error.ts';
import { pauseAskedBy } from '../kubernetes/api-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import { pause } from './deadline.ts';

/** Milliseconds until a Cluster that could not be read is tried again; events may make it sooner. */
const retryPeriod = 1_000;

/** The newest reading of the Cluster, kept up to date by the events of its source. */
export class ClusterView {
  readonly #source: ClusterSource;
  readonly #clock: () => number;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #listeners: Array<() => void> = [];
  #latest: ClusterReading | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #begunAt = Number.NEGATIVE_INFINITY;
  #required = Number.NEGATIVE_INFINITY;
  #unwatch: (() => void) | undefined;
  #reading: Promise<void> | undefined;
  #isStale = false;
  #trouble: string | undefined;

  /** @param clock that of the lease, in milliseconds */
  constructor(source: ClusterSource, clock: () => number, log: Logger) {
    this.#source = source;
    this.#clock = clock;
    this.#log = log;
  }

  get kind(): ClusterSource['kind'] {
    return this.#source.kind;
  }

  /** Undefined until the first reading; after a failure the last good one. */
  get latest(): ClusterReading | undefined {
    return this.#latest;
  }

  /** When `latest` was asked for: what it says was true at that moment or later. */
  get readAt(): number {
    return this.#readAt;
  }

  /** Calls back when a reading differs from the one before, or one came that was required. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Reads for the first time, and follows from then on. Rejects when the first reading fails. */
  async start(signal: AbortSignal): Promise<ClusterReading> {
    const askedAt = this.#clock();
    const reading = await this.#source.read(signal);
    this.#accept(reading, askedAt);
    this.#unwatch = this.#source.watch((pushed) => {
      if (pushed === undefined) void this.refresh();
      else this.#accept(pushed, Number.NEGATIVE_INFINITY);
    });
    return reading;
  }

  /** Reads again; one at a time, and once more when something has changed meanwhile. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readWhileStale().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Sees to it that there will be a reading that was asked for at this time or later. */
  requireNewerThan(time: number): void {
    this.#required = time;
    if (this.#begunAt < time && !this.#isStale) void this.refresh();
  }

  /**
   * See ClusterSource.updateStatus. What we wrote ourselves is known at once; what is known already, and was not asked for again,
   * is no newer than it was.
   */
  async update(
    change: (status: ClusterStatus) => ClusterStatus | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading | undefined> {
    const askedAt = this.#clock();
    const before = this.#latest;
    const reading = await this.#source.updateStatus(change, signal);
    if (reading === undefined) return this.#latest;
    const isOvertaken = this.#latest !== before;
    this.#accept(reading, askedAt);
    // What was read meanwhile may be newer than what was written.
    if (isOvertaken && !this.#source.isOrdered) void this.refresh();
    return reading;
  }

  stop(): void {
    this.#stopped.abort();
    this.#unwatch?.();
    this.#source.close?.();
  }

  async #readWhileStale(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false;
      this.#begunAt = this.#clock();
      const before = this.#latest;
      try {
        const reading = await this.#source.read(signal);
        // What was written here meanwhile is newer than what a request of before may have seen.
        if (this.#latest === before || this.#source.isOrdered) this.#accept(reading, this.#begunAt);
        else this.#isStale = true;
        this.#trouble = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#complain(error);
        this.#isStale = true;
        await pause(Math.max(retryPeriod, pauseAskedBy(error)), signal);
      }
    }
  }

  #accept(reading: ClusterReading, askedAt: number): void {
    const isAwaited = this.#readAt < this.#required && this.#required <= askedAt;
    const isSame = reading.resourceVersion === this.#latest?.resourceVersion;
    this.#readAt = Math.max(this.#readAt, askedAt);
    this.#latest = reading;
    if (!isAwaited && isSame) return;
    for (const listener of this.#listeners) listener();
  }

  /** The same trouble is told once. */
  #complain(error: unknown): void {
    const text = messageOf(error);
    if (text === this.#trouble) return;
    this.#trouble = text;
    this.#log.warn({ error }, 'the Cluster cannot be read; the last reading stays in force');
  }
}
