import type { Cluster } from '../../cluster/cluster.ts';
import { leaseTimings } from '../../cluster/defaults.ts';
import type { FileSource } from '../../cluster/file-source.ts';
import type { LeaseRecord } from '../../cluster/source.ts';
import { messageOf } from '../../errors/manager-error.ts';
import { ask } from './ask.ts';
import type { Place } from './place.ts';
import type { LeaseView, Report, StatusBody } from './view.ts';

/** Milliseconds between two looks at an instance: as often as anybody could read it. */
const period = 300;

/** Who is told of what is seen. */
export interface ObserverEvents {
  readonly clock: () => number;
  readonly onCluster: (cluster: Cluster) => void;
  readonly onLease: (holder: string, before: string) => void;
}

/** Looks at the instances from outside, as an operator would, and at the files that they share. */
export class Observer {
  readonly #places: readonly Place[];
  readonly #source: FileSource;
  readonly #events: ObserverEvents;
  readonly #reports = new Map<string, Report>();
  /** Those whose answer is waited for. */
  readonly #asked = new Set<string>();
  readonly #stopped = new AbortController();
  readonly #unwatch: Array<() => void> = [];
  #timer: NodeJS.Timeout | undefined;
  #cluster: Cluster | undefined;
  #lease: { readonly record: LeaseRecord; readonly seenAt: number } | undefined;

  constructor(places: readonly Place[], source: FileSource, events: ObserverEvents) {
    this.#places = places;
    this.#source = source;
    this.#events = events;
  }

  get cluster(): Cluster | undefined {
    return this.#cluster;
  }

  get lease(): LeaseView | undefined {
    if (this.#lease === undefined) return undefined;
    const { record, seenAt } = this.#lease;
    const age = this.#events.clock() - seenAt;
    // A candidate waits for the longer of the two, as it has seen the lease (src/alignment/lease.ts).
    const own = this.#cluster === undefined ? 0 : leaseTimings(this.#cluster.spec).duration;
    return {
      holder: record.holder,
      age,
      left: Math.max(0, Math.max(own, record.durationSeconds * 1000) - age),
    };
  }

  report(name: string): Report | undefined {
    return this.#reports.get(name);
  }

  async start(): Promise<void> {
    const { lease } = this.#source;
    await this.look();
    this.#unwatch.push(this.#source.watch(() => void this.look()));
    await this.#lookAtLease();
    this.#unwatch.push(lease.watch(() => void this.#lookAtLease()));
    this.#inspectAll();
    this.#timer = setInterval(() => this.#inspectAll(), period);
  }

  stop(): void {
    this.#stopped.abort();
    clearInterval(this.#timer);
    for (const unwatch of this.#unwatch) unwatch();
  }

  /** Reads the Cluster now. */
  async look(): Promise<void> {
    try {
      this.see((await this.#source.read(this.#stopped.signal)).cluster);
    } catch {
      // Being edited, or the demo ends: the next change tells.
    }
  }

  /** Takes a reading that somebody else has made. */
  see(cluster: Cluster): void {
    this.#cluster = cluster;
    this.#events.onCluster(cluster);
  }

  async #lookAtLease(): Promise<void> {
    const record = await this.#source.lease.read(this.#stopped.signal).catch(() => undefined);
    if (record === undefined) return;
    const before = this.#lease?.record;
    if (before?.resourceVersion === record.resourceVersion) return;
    this.#lease = { record, seenAt: this.#events.clock() };
    if ((before?.holder ?? '') !== record.holder) this.#events.onLease(record.holder, before?.holder ?? '');
  }

  /** All at the same moment, so that their positions can be compared; but for those that have not answered yet. */
  #inspectAll(): void {
    for (const place of this.#places) {
      if (!this.#asked.has(place.name)) void this.#inspect(place);
    }
  }

  async #inspect(place: Place): Promise<void> {
    this.#asked.add(place.name);
    this.#reports.set(place.name, await inspect(place, this.#events.clock()));
    this.#asked.delete(place.name);
  }
}

/** Asks an instance once. Never rejects. */
export async function inspect({ statusPort }: Place, askedAt: number): Promise<Report> {
  try {
    const [status, readiness] = await Promise.all([
      ask(statusPort, '/pg/status'),
      ask(statusPort, '/readyz?format=json'),
    ]);
    const { ok, reasons } = JSON.parse(readiness.body) as { ok: boolean; reasons: Array<{ text: string }> };
    const isStatus = status.code === 200;
    return {
      askedAt,
      status: isStatus ? (JSON.parse(status.body) as StatusBody) : undefined,
      trouble: isStatus ? undefined : status.body.trim(),
      ready: ok,
      reason: reasons[0]?.text,
    };
  } catch (error) {
    return { askedAt, status: undefined, trouble: messageOf(error), ready: false, reason: 'no answer' };
  }
}
