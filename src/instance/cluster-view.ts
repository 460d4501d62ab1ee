import type { ClusterReading, ClusterSource } from '../cluster/source.ts';
import type { ClusterStatus } from '../cluster/status.ts';
import { messageOf } from '../errors/manager-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import { pause } from './deadline.ts';

/** Milliseconds until a Cluster that could not be read is tried again; events may make it sooner. */
const retryPeriod = 1_000;

/** The newest reading of the Cluster, kept up to date by the events of its source. */
export class ClusterView {
  readonly #source: ClusterSource;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  readonly #listeners: Array<() => void> = [];
  #latest: ClusterReading | undefined;
  #unwatch: (() => void) | undefined;
  #reading: Promise<void> | undefined;
  #isStale = false;
  #trouble: string | undefined;

  constructor(source: ClusterSource, log: Logger) {
    this.#source = source;
    this.#log = log;
  }

  get kind(): ClusterSource['kind'] {
    return this.#source.kind;
  }

  /** Undefined until the first reading; after a failure the last good one. */
  get latest(): ClusterReading | undefined {
    return this.#latest;
  }

  /** Calls back when a reading differs from the one before. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Reads for the first time, and follows from then on. Rejects when the first reading fails. */
  async start(signal: AbortSignal): Promise<ClusterReading> {
    const reading = await this.#source.read(signal);
    this.#latest = reading;
    this.#unwatch = this.#source.watch(() => void this.refresh());
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

  /** See ClusterSource.updateStatus. What we wrote ourselves is known at once. */
  async update(
    change: (status: ClusterStatus) => ClusterStatus | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading> {
    const reading = await this.#source.updateStatus(change, signal);
    this.#accept(reading);
    return reading;
  }

  stop(): void {
    this.#stopped.abort();
    this.#unwatch?.();
  }

  async #readWhileStale(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false;
      try {
        this.#accept(await this.#source.read(signal));
        this.#trouble = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#complain(error);
        this.#isStale = true;
        await pause(retryPeriod, signal);
      }
    }
  }

  #accept(reading: ClusterReading): void {
    if (reading.resourceVersion === this.#latest?.resourceVersion) return;
    this.#latest = reading;
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
