import type { Caller, ClusterObject, Store } from '../world/store.ts';

/** A watch that has heard nothing for this long begins anew from what it knows (field.md, 5.2). */
const silence = 30_000;
const retryPeriod = 1_000;
const requestTimeout = 5_000;

export interface ViewOptions {
  readonly caller: Caller;
  readonly store: Store;
  readonly keepsNewest: boolean;
  readonly onChange: () => void;
}

/** What a manager knows of the Cluster: read once, then followed by events, which may be late or lost. */
export class ClusterView {
  readonly #options: ViewOptions;
  latest: ClusterObject | undefined;
  /** The newest that was ever read or written here. */
  newest: ClusterObject | undefined;
  /** Of the process's clock, when the newest object was asked for that is known here, not what some cache has. */
  readAt = Number.NEGATIVE_INFINITY;
  #isAskingNewest = false;
  #isReading = false;
  #isStale = false;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.refresh();
    this.#listen();
  }

  #listen(): void {
    this.#options.caller.process.afterOwn(silence, () => {
      this.refresh();
      this.#listen();
    });
  }

  /** Reads again; one at a time, and once more when something has changed meanwhile. */
  refresh(): void {
    if (this.#isReading) {
      this.#isStale = true;
      return;
    }
    this.#isReading = true;
    this.#isStale = false;
    const { caller, store } = this.#options;
    store.request(
      caller,
      requestTimeout,
      () => store.clusterFor(caller),
      (cluster) => {
        this.#isReading = false;
        if (cluster === undefined) caller.process.afterOwn(retryPeriod, () => this.refresh());
        else {
          this.accept(cluster);
          if (this.#isStale) this.refresh();
        }
      },
    );
  }

  /** Sees to it that there will be a reading that was asked for at this time or later, of the store itself. */
  requireNewerThan(time: number): void {
    if (this.readAt >= time || this.#isAskingNewest) return;
    this.#isAskingNewest = true;
    const { caller, store, onChange } = this.#options;
    const askedAt = caller.process.clock();
    store.request(
      caller,
      requestTimeout,
      () => store.cluster,
      (cluster) => {
        this.#isAskingNewest = false;
        if (cluster === undefined) caller.process.afterOwn(retryPeriod, () => this.requireNewerThan(time));
        else {
          this.accept(cluster);
          this.readAt = Math.max(this.readAt, askedAt);
          onChange();
        }
      },
    );
  }

  accept(cluster: ClusterObject): void {
    const { latest } = this;
    if (cluster.version > (this.newest?.version ?? 0)) this.newest = cluster;
    if (latest !== undefined && latest.version === cluster.version) return;
    if (latest !== undefined && latest.version > cluster.version && this.#options.keepsNewest) return;
    this.latest = cluster;
    this.#options.onChange();
  }

  /**
   * Reads the newest, changes it, and begins anew on a conflict.
   *
   * @param done is told whether it came to an end
   * @param onTaken is called at the moment at which the store takes the change
   */
  update(
    change: (cluster: ClusterObject) => Partial<ClusterObject> | undefined,
    done: (isDone: boolean) => void,
    onTaken: () => void,
  ): void {
    const { caller, store } = this.#options;
    let askedAt = 0;
    const read = () => {
      askedAt = caller.process.clock();
      store.request(caller, requestTimeout, () => store.cluster, write);
    };
    const write = (cluster: ClusterObject | undefined) => {
      const changed = cluster === undefined ? undefined : change(cluster);
      if (cluster !== undefined) {
        this.accept(cluster);
        this.readAt = Math.max(this.readAt, askedAt);
      }
      if (cluster === undefined || changed === undefined) done(cluster !== undefined);
      else {
        const effect = () => {
          const answer = store.writeCluster(cluster.version, changed);
          if (answer !== 'conflict') onTaken();
          return answer;
        };
        store.request(caller, requestTimeout, effect, written);
      }
    };
    const written = (answer: ClusterObject | 'conflict' | undefined) => {
      if (answer === 'conflict') read();
      else {
        if (answer !== undefined) this.accept(answer);
        done(answer !== undefined);
      }
    };
    read();
  }
}
