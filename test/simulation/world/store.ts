import type { Process } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import type { SynchronousNames } from './data-directory.ts';
import type { World } from './world.ts';

/** The Cluster, as far as roles depend on it. */
export interface ClusterObject {
  readonly version: number;
  readonly currentPrimary: string;
  readonly targetPrimary: string;
  readonly fenced: readonly string[];
  /** status.instancesStatus.healthy. */
  readonly healthy: readonly string[];
}

/** The Lease of the primary (contract 03, 3.8). */
export interface LeaseObject {
  readonly version: number;
  readonly holder: string;
  readonly renewTime: string;
  readonly duration: number;
}

/** FailoverQuorum (contract 03, 3.20): undefined is the zeroed status. */
export interface QuorumObject {
  readonly version: number;
  readonly synchronous: SynchronousNames | undefined;
}

interface Kept<T> {
  readonly since: number;
  readonly object: T;
}

/** Somebody who asks the store: their requests and the answers may be late or lost. */
export interface Caller {
  readonly name: string;
  readonly process: Process;
  readonly random: Random;
}

/** How the store ails at the moment. */
export interface StoreTrouble {
  /** Probability that a request, or an answer, is lost. */
  readonly loss: number;
  /** Milliseconds that a request, or an answer, may take. */
  readonly delay: number;
}

/** The API server, or the file that stands in for it: a few objects with versions and conditional writes. */
const health: StoreTrouble = { loss: 0, delay: 25 };

export class Store {
  readonly name = 'store';
  /** Everything that ails it at the moment; the worst counts. */
  readonly troubles = new Set<StoreTrouble>();
  /** Who gets old answers at the moment, and how old. */
  readonly staleness = new Map<string, number>();
  cluster: ClusterObject;
  lease: LeaseObject = { version: 1, holder: '', renewTime: '', duration: 15_000 };
  quorum: QuorumObject = { version: 1, synchronous: undefined };
  readonly #world: World;
  #history: Array<Kept<ClusterObject>> = [];
  readonly #watchers: Array<{
    readonly caller: Caller;
    readonly onChange: (kind: 'cluster' | 'lease') => void;
  }> = [];
  /** Whose watches lose events. */
  readonly deaf = new Set<string>();

  constructor(world: World, cluster: ClusterObject) {
    this.#world = world;
    this.cluster = cluster;
    this.#history.push({ since: 0, object: cluster });
  }

  get trouble(): StoreTrouble {
    let worst = health;
    for (const trouble of this.troubles) if (trouble.delay > worst.delay) worst = trouble;
    return worst;
  }

  /**
   * One request: `effect` happens in the store at some moment, or never; `done` gets what it returned, or undefined when
   * no answer came in time. A request without an answer may still have had, or have later, its effect.
   */
  request<T>(caller: Caller, timeout: number, effect: () => T, done: (answer: T | undefined) => void): void {
    const { process, random } = caller;
    const { timetable, network } = this.#world;
    const { life } = process;
    let isOver = false;
    const finish = (answer: T | undefined) => {
      if (isOver) return;
      isOver = true;
      done(answer);
    };
    process.afterOwn(timeout, () => finish(undefined));
    if (!network.isOpen(caller.name, this.name) || random.chance(this.trouble.loss)) return;
    timetable.after(random.between(1, this.trouble.delay), () => {
      const answer = effect();
      if (random.chance(this.trouble.loss)) return;
      timetable.after(random.between(1, this.trouble.delay), () => {
        if (network.isOpen(caller.name, this.name)) process.deliver(life, () => finish(answer));
      });
    });
  }

  /** The Cluster as this caller gets to see it: an answer may come from a cache that lags behind. */
  clusterFor(caller: Caller): ClusterObject {
    const age = this.staleness.get(caller.name);
    if (age === undefined) return this.cluster;
    // One of several caches answers, and only some of them lag.
    const at = this.#world.timetable.now - age * caller.random.next();
    return (this.#history.findLast((kept) => kept.since <= at) ?? this.#history[0]!).object;
  }

  watch(caller: Caller, onChange: (kind: 'cluster' | 'lease') => void): void {
    this.#watchers.push({ caller, onChange });
  }

  /** The whole status is replaced if it is still the version that was changed. */
  writeCluster(version: number, change: Partial<Omit<ClusterObject, 'version'>>): ClusterObject | 'conflict' {
    if (version !== this.cluster.version) return 'conflict';
    this.cluster = { ...this.cluster, ...change, version: version + 1 };
    this.#history.push({ since: this.#world.timetable.now, object: this.cluster });
    if (this.#history.length > 40) this.#history.shift();
    const { currentPrimary, targetPrimary, fenced, healthy } = this.cluster;
    this.#world.trace.note(this.#world.timetable.now, this.name, 'Cluster', {
      version: version + 1,
      currentPrimary,
      targetPrimary,
      ...(fenced.length > 0 ? { fenced } : {}),
      ...(change.healthy === undefined ? {} : { healthy }),
    });
    this.#tell('cluster');
    return this.cluster;
  }

  writeLease(version: number, change: Omit<LeaseObject, 'version'>): LeaseObject | 'conflict' {
    if (version !== this.lease.version) return 'conflict';
    const before = this.lease.holder;
    this.lease = { ...change, version: version + 1 };
    if (before !== change.holder) {
      this.#world.trace.note(this.#world.timetable.now, this.name, 'lease', {
        holder: change.holder,
        before,
      });
      this.#tell('lease');
    }
    return this.lease;
  }

  writeQuorum(version: number, synchronous: SynchronousNames | undefined): QuorumObject | 'conflict' {
    if (version !== this.quorum.version) return 'conflict';
    this.quorum = { version: version + 1, synchronous };
    return this.quorum;
  }

  #tell(kind: 'cluster' | 'lease'): void {
    for (const { caller, onChange } of this.#watchers) {
      if (this.deaf.has(caller.name)) continue;
      const { life } = caller.process;
      this.#world.timetable.after(caller.random.between(1, this.trouble.delay), () => {
        if (this.#world.network.isOpen(caller.name, this.name))
          caller.process.deliver(life, () => onChange(kind));
      });
    }
  }
}
