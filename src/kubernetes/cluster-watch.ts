import type { ClusterWatcher } from './api.ts';
import { ApiError, errorOf, isExpired, isStarting } from './api-error.ts';
import { backoff } from './backoff.ts';
import type { ApiObject } from './objects.ts';

/** Milliseconds in which a request is answered by a server that is slow but works. */
const answerLimit = 10_000;
/**
 * Milliseconds after which a watch that brings nothing is begun anew, without a word. A server sends a bookmark every minute,
 * but none while its store has told it of nothing newer than what the watch began from: with the defaults of etcd that takes
 * ten minutes where nothing happens.
 */
const quietLimit = 75_000;
/** Milliseconds that a watch must have stood to count as one that worked. */
const steadyAfter = 1_000;

/** The two requests that a watch is made of. */
export interface WatchRequests {
  /** All objects that are watched, and the version that a watch may begin from. */
  list(
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly ApiObject[]; readonly resourceVersion: string }>;
  /** Resolves when the server has ended the watch; rejects with an ApiError, or with what the listener has thrown. */
  watch(resourceVersion: string, listener: WatchListener, signal: AbortSignal): Promise<void>;
}

export interface WatchListener {
  /** The server has taken the request: from now on it tells of changes. */
  readonly onBegin: () => void;
  readonly onLine: (line: string) => void;
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
  /** The version is that of a list just made, not one that a watch has brought or that was kept over an outage. */
  #isListed = false;
  /** Since when the watch stands; undefined: it does not. */
  #begun: number | undefined;
  #failures = 0;
  /** Of them, how often the server was about to be ready. */
  #starts = 0;
  /** Trouble has been told, and the watch has not stood since. */
  #isTroubled = false;

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
      const error = await this.#round(signal).then(
        () => undefined,
        (reason: Error) => reason,
      );
      if (signal.aborted) return;
      if (isExpired(error)) {
        this.#version = undefined;
        // The server works. One that does not know what it has just said itself is asked again like one that fails.
        if (!this.#isListed) continue;
      }
      if (this.#begun !== undefined && performance.now() - this.#begun >= steadyAfter) {
        this.#failures = 0;
        this.#starts = 0;
        this.#isTroubled = false;
        if (error === undefined) continue;
      }
      // One that the server ends at once is as bad as one that cannot be begun.
      this.#tell(error ?? new ApiError('watch: the server has ended it at once'));
      await this.#pause(error);
    }
  }

  /** One watch from its beginning to its end; before it a list, when there is no version to begin from. */
  async #round(signal: AbortSignal): Promise<void> {
    this.#begun = undefined;
    const limit = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const expect = (milliseconds: number, otherwise: Error) => {
      clearTimeout(timer);
      timer = setTimeout(() => limit.abort(otherwise), milliseconds);
    };
    const unanswered = new ApiError(`watch: no answer within ${answerLimit / 1_000} s`);
    const quiet = new Error('nobody knows whether it is still there');
    const either = AbortSignal.any([signal, limit.signal]);
    try {
      expect(answerLimit, unanswered);
      this.#isListed = this.#version === undefined;
      this.#version ??= await this.#list(either);
      expect(answerLimit, unanswered);
      const onBegin = () => {
        this.#begun = performance.now();
        expect(quietLimit, quiet);
        if (this.#isTroubled) this.#watcher.onStanding?.();
      };
      const onLine = (line: string) => {
        expect(quietLimit, quiet);
        if (!signal.aborted) this.#take(line);
      };
      await this.#requests.watch(this.#version, { onBegin, onLine }, either);
    } catch (error) {
      if (error !== quiet) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { items, resourceVersion } = await this.#requests.list(signal);
    if (!signal.aborted) this.#watcher.onObject(items[0]);
    return resourceVersion;
  }

  #take(line: string): void {
    const { type, object } = JSON.parse(line) as WatchEvent;
    if (type === 'ERROR') {
      const { code } = object as unknown as { code?: number };
      throw errorOf('watch', code ?? 500, JSON.stringify(object), undefined);
    }
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (type === 'ADDED' || type === 'MODIFIED') this.#watcher.onObject(object);
    if (type === 'DELETED') this.#watcher.onObject(undefined);
  }

  #tell(error: Error): void {
    if (!this.#isTroubled) this.#watcher.onTrouble(error);
    this.#isTroubled = true;
  }

  async #pause(error: unknown): Promise<void> {
    const wait = this.#waitAfter(error);
    const { promise, resolve } = Promise.withResolvers<void>();
    const { signal } = this.#stopped;
    const wake = () => resolve();
    const timer = setTimeout(wake, wait);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
  }

  /** Milliseconds. */
  #waitAfter(error: unknown): number {
    this.#failures += 1;
    if (!isStarting(error)) {
      return backoff(this.#failures - 1, Math.random(), error instanceof ApiError ? error.retryAfter : 0);
    }
    // The waits of the outage before are too long now, and so is what the server asks for.
    this.#starts += 1;
    return backoff(this.#starts - 1, Math.random());
  }
}
