import type { KubernetesApi } from './api.ts';
import { isNotFound } from './api-error.ts';
import type { ApiObject, EventObject } from './objects.ts';

/** Milliseconds in which the same is counted, and not told anew. */
const aggregation = 600_000;
/** So many different ones at once, and one more in each of these times: an instance in trouble must not flood the API. */
const burst = 25;
const refill = 30_000;
/** Kept while the API is away; the newest are worth more. */
const longestQueue = 20;
/** Milliseconds for one request. */
const patience = 10_000;
/** Longer messages are refused by the API server. */
const longestMessage = 1_024;

/** What is to be told of an object. */
export interface Note {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface EventRecorderOptions {
  readonly api: Pick<KubernetesApi, 'createEvent' | 'patchEvent'>;
  /** What events are about; undefined: it is not known yet, and nothing is told. */
  readonly about: () => ApiObject | undefined;
  /** Name of the Pod. */
  readonly instance: string;
  readonly namespace: string;
  /** Told what could not be delivered. */
  readonly onTrouble: (error: Error) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

interface Told {
  readonly name: string;
  readonly at: number;
  readonly count: number;
}

/**
 * Events of core/v1 about one object, in the order of what happened. Nobody waits for them: one that cannot be delivered is
 * dropped, and what comes again is counted (as client-go does it; the Role allows create and patch for that).
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #now: () => number;
  readonly #told = new Map<string, Told>();
  #queue: Note[] = [];
  #isBusy = false;
  #tokens = burst;
  #refilledAt: number;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#refilledAt = this.#now();
  }

  record(note: Note): void {
    this.#queue.push(note);
    if (this.#queue.length > longestQueue) this.#queue.shift();
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let note = this.#queue.shift(); note !== undefined; note = this.#queue.shift()) {
      try {
        await this.#tell(note);
      } catch (error) {
        this.#options.onTrouble(error as Error);
      }
    }
    this.#isBusy = false;
  }

  async #tell(note: Note): Promise<void> {
    const { api, about } = this.#options;
    const object = about();
    if (object === undefined || !this.#mayTell()) return;
    const now = this.#now();
    const key = `${note.type} ${note.reason} ${note.message}`;
    for (const [old, { at }] of this.#told) if (now - at > aggregation) this.#told.delete(old);
    const before = this.#told.get(key);
    const signal = AbortSignal.timeout(patience);
    const lastTimestamp = seconds(now);
    if (before !== undefined) {
      const count = before.count + 1;
      const isThere = await api.patchEvent(before.name, { count, lastTimestamp }, signal).then(
        () => true,
        (error: unknown) => {
          if (!isNotFound(error)) throw error;
          return false;
        },
      );
      if (isThere) {
        this.#told.set(key, { ...before, at: now, count });
        return;
      }
      // Events are taken away after an hour, or by a person.
      this.#told.delete(key);
    }
    const event = this.#eventOf(note, object, lastTimestamp);
    await api.createEvent(event, signal);
    this.#told.set(key, { name: event.metadata.name, at: now, count: 1 });
  }

  #mayTell(): boolean {
    const gained = Math.floor((this.#now() - this.#refilledAt) / refill);
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#refilledAt += gained * refill;
    if (this.#tokens === 0) return false;
    this.#tokens -= 1;
    return true;
  }

  #eventOf({ type, reason, message }: Note, about: ApiObject, time: string): EventObject {
    const { instance, namespace } = this.#options;
    const { name, uid } = about.metadata;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${name}.${process.hrtime.bigint().toString(16)}${process.pid.toString(16)}`,
        namespace,
      },
      involvedObject: {
        apiVersion: about.apiVersion ?? '',
        kind: about.kind ?? '',
        ...{ namespace, name },
        ...(uid === undefined ? {} : { uid }),
      },
      ...{ type, reason, message: message.slice(0, longestMessage) },
      ...{ count: 1, firstTimestamp: time, lastTimestamp: time },
      source: { component: 'instance-manager', host: instance },
      ...{ reportingComponent: 'instance-manager', reportingInstance: instance },
    };
  }
}

/** RFC 3339 as Kubernetes' Time. */
function seconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
