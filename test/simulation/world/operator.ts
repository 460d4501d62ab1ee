import { Process } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import { type Candidate, electionOrder, hasQuorum, type StatusAnswer } from './election.ts';
import type { Caller, ClusterObject } from './store.ts';
import type { Branch } from './wal.ts';
import type { World } from './world.ts';

const requestTimeout = 10_000;
/** Milliseconds until the next pass, and after a pass that found it better to wait. */
const period = { usual: 1_000, waiting: 5_000 } as const;

/** A status answer, and what had been acknowledged when it was given. */
interface Seen {
  readonly status: StatusAnswer | undefined;
  readonly promised: ReadonlyMap<Branch, number>;
}

/**
 * The operator's half (contract 03, 3.10): it sees the instances only through their status answers and the kubelet, and
 * acts only by writing the target into the Cluster.
 */
export class Operator implements Caller {
  readonly name = 'operator';
  readonly process: Process;
  readonly random: Random;
  readonly #world: World;
  /** Answers of an earlier pass, for those from whom none comes at the moment. */
  readonly #old = new Map<string, Seen>();
  /** Whose answers are old ones at the moment. */
  readonly staleFor = new Set<string>();

  constructor(world: World, random: Random) {
    this.#world = world;
    this.random = random;
    this.process = new Process(world.timetable, { offset: 0, pace: 1 }, random);
    this.begin();
  }

  begin(): void {
    this.process.begin();
    this.#later(period.usual);
  }

  #later(delay: number): void {
    this.process.after(this.random.between(0.5, 1.5) * delay, () => this.#pass());
  }

  #pass(): void {
    const { store } = this.#world;
    store.request(
      this,
      requestTimeout,
      () => store.clusterFor(this),
      (cluster) => {
        if (cluster === undefined) this.#later(period.usual);
        else this.#settleTarget(cluster);
      },
    );
  }

  /** A target that is no Pod, `pending` above all, is taken back first. */
  #settleTarget(cluster: ClusterObject): void {
    const { kubelet, instances } = this.#world;
    const { currentPrimary, targetPrimary } = cluster;
    if (currentPrimary === '' || currentPrimary === targetPrimary) {
      this.#look(cluster);
      return;
    }
    const isAnybodyReady = instances.some((instance) => kubelet.isReady(instance));
    if (kubelet.isActive(targetPrimary) && isAnybodyReady) this.#later(period.usual);
    else
      this.#setTarget(cluster, currentPrimary, this.#world.ledger.announcedByNow(), (changed) =>
        this.#look(changed),
      );
  }

  /** A write that met another one ends the pass. */
  #setTarget(
    { version }: ClusterObject,
    targetPrimary: string,
    promised: ReadonlyMap<Branch, number>,
    then: (changed: ClusterObject) => void,
  ): void {
    const { store } = this.#world;
    store.request(
      this,
      requestTimeout,
      () => {
        const answer = store.writeCluster(version, { targetPrimary });
        if (answer !== 'conflict')
          this.#world.ledger.choose({ by: 'operator', chosen: targetPrimary, promised });
        return answer;
      },
      (answer) => {
        if (answer === undefined || answer === 'conflict') this.#later(period.usual);
        else then(answer);
      },
    );
  }

  #look(cluster: ClusterObject): void {
    // What has been acknowledged by now is on one of those that were reached, if they are a quorum.
    let promised = this.#world.ledger.promisedByNow();
    const candidates = this.#world.instances.map((instance): Candidate => {
      const { name } = instance;
      const isOpen = this.#world.network.isOpen(this.name, name);
      const old = this.staleFor.has(name) ? this.#old.get(name) : undefined;
      const seen = old ?? { status: isOpen ? statusOf(this.#world, name) : undefined, promised };
      this.#old.set(name, seen);
      if (old?.status !== undefined) promised = old.promised;
      return { name, isReady: this.#world.kubelet.isReady(instance), status: seen.status };
    });
    this.process.after(this.random.between(10, 300), () =>
      this.#writeHealth(cluster, candidates, (newest) =>
        this.#consider(newest, electionOrder(candidates), promised),
      ),
    );
  }

  /** status.instancesStatus, on which the names of synchronous standbys depend. */
  #writeHealth(
    cluster: ClusterObject,
    candidates: readonly Candidate[],
    then: (newest: ClusterObject) => void,
  ): void {
    const healthy = candidates.filter(({ isReady }) => isReady).map(({ name }) => name);
    if (healthy.join() === cluster.healthy.join()) {
      then(cluster);
      return;
    }
    const { store } = this.#world;
    store.request(
      this,
      requestTimeout,
      () => store.writeCluster(cluster.version, { healthy }),
      (answer) => {
        if (answer === undefined || answer === 'conflict') this.#later(period.usual);
        else then(answer);
      },
    );
  }

  #consider(
    cluster: ClusterObject,
    candidates: readonly Candidate[],
    promised: ReadonlyMap<Branch, number>,
  ): void {
    const { currentPrimary, fenced } = cluster;
    const first = candidates[0]!;
    const current = candidates.find(({ name }) => name === currentPrimary);
    const primaries = candidates.filter(({ status }) => status?.isPrimary === true).length;
    const mayNotMove =
      currentPrimary === '' ||
      primaries > 1 ||
      first.status === undefined ||
      !first.isReady ||
      (current?.isReady === true && current.status === undefined) ||
      fenced.includes(currentPrimary) ||
      current?.status?.mightBeUnavailable === true;
    if (mayNotMove) this.#later(period.waiting);
    else if (first.name === currentPrimary) this.#later(period.usual);
    else this.#checkQuorum(cluster, candidates, promised);
  }

  #checkQuorum(
    cluster: ClusterObject,
    candidates: readonly Candidate[],
    promised: ReadonlyMap<Branch, number>,
  ): void {
    const { store, synchronous } = this.#world;
    if (synchronous === undefined) {
      this.#failOver(cluster, candidates, promised);
      return;
    }
    store.request(
      this,
      requestTimeout,
      () => store.quorum,
      (quorum) => {
        // A standby that a person has just fenced still counts as Ready, and can neither be chosen nor lend its WAL.
        const isPromise = candidates.every(({ status }) => status?.mightBeUnavailable !== true);
        if (quorum !== undefined && hasQuorum(quorum, candidates))
          this.#failOver(cluster, candidates, isPromise ? promised : new Map());
        else this.#later(period.usual);
      },
    );
  }

  #failOver(
    cluster: ClusterObject,
    candidates: readonly Candidate[],
    promised: ReadonlyMap<Branch, number>,
  ): void {
    this.#setTarget(cluster, 'pending', promised, (pending) => {
      const isReceiving = candidates.some(
        ({ name, status }) => name !== cluster.currentPrimary && status?.isWalReceiverActive === true,
      );
      if (isReceiving) this.#later(period.usual);
      else this.#setTarget(pending, candidates[0]!.name, promised, () => this.#later(period.usual));
    });
  }
}

function statusOf(world: World, name: string): StatusAnswer | undefined {
  const instance = world.instances.find((one) => one.name === name)!;
  const { manager, server, directory } = instance;
  if (!manager.process.isRunning) return undefined;
  if (manager.view?.latest?.fenced.includes(name) === true) {
    const isPrimary = !directory.isStandby && manager.view.latest.currentPrimary === name;
    return { isPrimary, receivedLsn: 0, isWalReceiverActive: false, mightBeUnavailable: true };
  }
  if (server === undefined || !server.letsIn) return undefined;
  return {
    isPrimary: server.role === 'primary',
    receivedLsn: directory.end!.lsn,
    isWalReceiverActive: server.receiver !== undefined,
    mightBeUnavailable: false,
  };
}
