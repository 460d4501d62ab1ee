import type { ClusterWatcher } from './api.ts';
import { ApiError, errorOf, isExpired } from './api-error.ts';
import { backoff } from './backoff.ts';
import type { ApiObject } from './objects.ts';

/** Milliseconds; a server that works sends a bookmark every minute (Kubernetes, API concepts). */
const silenceLimit = 75_000;
/** Milliseconds that a watch must have stood to count as one that worked. */
const steadyAfter = 1_000;

/** The two requests that a watch is made of. */
export interface WatchRequests {
  /** All objects that are watched, and the version that a watch may begin from. */
  list(
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly ApiObject[]; readonly resourceVersion: string }>;
  /** Resolves when the server has ended the watch; rejects with an ApiError. */
  watch(resourceVersion: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void>;
}

interface WatchEvent {
  readonly type: string;
  readonly object: ApiObject;
}

/**
 * Follows one object for as long as it is wanted: from a list, event by event, through broken connections, versions that are
 * no longer known, and connections on which nothing comes any more although nobody has closed them.
 */
export class ClusterWatch {
  readonly #requests: WatchRequests;
  readonly #watcher: ClusterWatcher;
  readonly #stopped = new AbortController();
  /** Undefined: everything is to be read anew. */
  #version: string | undefined;
  #failures = 0;

  constructor(requests: WatchRequests, watcher: ClusterWatcher) {
    this.#requests = requests;
    this.#watcher = watcher;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopped.abort(new Error('the watch is no longer wanted'));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const begun = performance.now();
      try {
        await this.#round(signal);
        // One that the server ends at once is as bad as one that cannot be begun.
        if (performance.now() - begun >= steadyAfter) continue;
        await this.#pause(undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (performance.now() - begun >= steadyAfter) this.#failures = 0;
        if (isExpired(error)) this.#version = undefined;
        if (this.#failures === 0) this.#watcher.onTrouble(error as Error);
        await this.#pause(error);
      }
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (this.#version === undefined) {
      const { items, resourceVersion } = await this.#requests.list(signal);
      this.#version = resourceVersion;
      this.#watcher.onObject(items[0]);
    }
    const silence = new AbortController();
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new ApiError('nothing has come for a while')), silenceLimit);
    };
    let timer: NodeJS.Timeout | undefined;
    heard();
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      await this.#requests.watch(
        this.#version,
        (line) => {
          heard();
          this.#take(line);
        },
        either,
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line) as WatchEvent;
    if (type === 'ERROR') {
      const { code } = object as unknown as { code?: number };
      throw errorOf('watch', code ?? 500, JSON.stringify(object), undefined);
    }
    this.#version = object.metadata.resourceVersion ?? this.#version;
    this.#failures = 0;
    if (type === 'ADDED' || type === 'MODIFIED') this.#watcher.onObject(object);
    if (type === 'DELETED') this.#watcher.onObject(undefined);
  }

  async #pause(error: unknown): Promise<void> {
    const asked = error instanceof ApiError ? error.retryAfter : undefined;
    const wait = backoff(this.#failures, Math.random(), asked);
    this.#failures += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#stopped;
    const timer = setTimeout(resolve, wait);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
}
