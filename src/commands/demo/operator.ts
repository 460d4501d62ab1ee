import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from '../../cluster/cluster.ts';
import { fence, fencingAnnotation, isFenced, unfence } from '../../cluster/fencing.ts';
import type { FileSource } from '../../cluster/file-source.ts';
import { clusterPhase, timestamp } from '../../cluster/status.ts';
import { synchronousStandbys } from '../../postgres/synchronous.ts';
import { electionOrder, whyNoQuorum } from './election.ts';
import { ImpossibleError } from './impossible-error.ts';
import { inspect } from './observer.ts';
import type { Place } from './place.ts';
import { isStreaming, type Report, type StatusBody } from './view.ts';

/** Milliseconds that the WAL receivers get to end: a server that is only frozen keeps them busy until its watchdog comes. */
const receiverPatience = 30_000;
const receiverPeriod = 100;
const writePatience = 10_000;

/**
 * What a person, or an operator, changes in the Cluster. The project itself decides no failover: that needs to know of the
 * machines, not only of the databases. This is the operator's half in its smallest form (contract 03, 3.10).
 */
export class Operator {
  readonly #source: FileSource;
  readonly #places: readonly Place[];
  readonly #clock: () => number;
  readonly #onChange: (cluster: Cluster) => void;

  constructor(
    source: FileSource,
    places: readonly Place[],
    clock: () => number,
    onChange: (cluster: Cluster) => void,
  ) {
    this.#source = source;
    this.#places = places;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /**
   * A planned switchover, to a standby that streams: another one may lack rows that were acknowledged, and nobody would
   * bring them any more when the primary has stopped.
   *
   * @throws ImpossibleError, with the reason
   */
  async promote(name: string): Promise<void> {
    const cluster = await this.#read();
    const { currentPrimary = '', targetPrimary } = cluster.status ?? {};
    if (isFenced(cluster, name)) throw new ImpossibleError(`${name} is fenced`);
    if (targetPrimary === name) throw new ImpossibleError(`${name} is the primary already, or about to be`);
    const primary = await this.#look(currentPrimary);
    if (primary?.isPrimary !== true)
      throw new ImpossibleError(`${currentPrimary} does not answer: fail over instead`);
    if (!isStreaming(name, primary))
      throw new ImpossibleError(`${name} does not stream from ${currentPrimary}`);
    await this.#setTarget(name, clusterPhase.switchover);
  }

  async fence(name: string): Promise<void> {
    await this.#annotate((cluster) => fence(cluster, name));
  }

  async unfence(name: string): Promise<void> {
    const all = this.#places.map((place) => place.name);
    await this.#annotate((cluster) => unfence(cluster, name, all));
  }

  /**
   * Chooses another primary when the present one is gone: only while it does not answer, only if every commit is certain to
   * be on a standby in reach, and only when nothing more arrives from it.
   *
   * @returns the chosen one
   * @throws ImpossibleError, with the reason
   */
  async failOver(): Promise<string> {
    const cluster = await this.#read();
    const gone = cluster.status?.currentPrimary ?? '';
    const isAnswering = (await this.#look(gone))?.isPrimary === true;
    if (gone === '' || isAnswering)
      throw new ImpossibleError(`${gone} answers as the primary: promote another one`);
    const others = this.#places.filter(({ name }) => name !== gone && !isFenced(cluster, name));
    const synchronous = synchronousStandbys(cluster);
    const names = synchronous?.standbyNames.filter((name) => name !== gone) ?? [];
    const { reachable, reports } = await this.#ask(others);
    const refusal = whyNoQuorum(
      synchronous && { number: synchronous.number, standbyNames: names },
      reachable,
    );
    if (reachable.length === 0) throw new ImpossibleError('no standby answers');
    if (refusal !== undefined) throw new ImpossibleError(refusal);
    await this.#setTarget('pending', clusterPhase.failover);
    try {
      const chosen = await this.#waitForReceivers(others, reports);
      await this.#setTarget(chosen, clusterPhase.failover);
      return chosen;
    } catch (error) {
      await this.#setTarget(gone, clusterPhase.failover);
      throw error;
    }
  }

  /** Nothing may arrive any more: then who has most has it for good. */
  async #waitForReceivers(others: readonly Place[], first: ReadonlyMap<string, Report>): Promise<string> {
    const end = this.#clock() + receiverPatience;
    let reports = first;
    while ([...reports.values()].some(({ status }) => status?.isWalReceiverActive === true)) {
      if (this.#clock() > end) {
        throw new ImpossibleError(`WAL of the old primary still arrived after ${receiverPatience / 1000} s`);
      }
      await pause(receiverPeriod);
      ({ reports } = await this.#ask(others));
    }
    const candidates = [...reports].flatMap(([name, { status }]) =>
      status === undefined ? [] : [{ name, receivedLsn: status.receivedLsn, replayLsn: status.replayLsn }],
    );
    const [best] = electionOrder(candidates);
    if (best === undefined) throw new ImpossibleError('no standby answers any more');
    return best.name;
  }

  async #ask(
    places: readonly Place[],
  ): Promise<{ reachable: string[]; reports: ReadonlyMap<string, Report> }> {
    const answers = await Promise.all(places.map((place) => inspect(place, this.#clock())));
    const reports = new Map(places.map(({ name }, index) => [name, answers[index]!]));
    const reachable = [...reports].filter(([, report]) => report.status !== undefined && report.ready);
    return { reachable: reachable.map(([name]) => name), reports };
  }

  async #look(name: string): Promise<StatusBody | undefined> {
    const place = this.#places.find((each) => each.name === name);
    return place === undefined ? undefined : (await inspect(place, this.#clock())).status;
  }

  async #setTarget(targetPrimary: string, phase: string): Promise<void> {
    const { cluster } = await this.#source.updateStatus(
      (status) => ({ ...status, targetPrimary, targetPrimaryTimestamp: timestamp(Date.now()), phase }),
      AbortSignal.timeout(writePatience),
    );
    this.#onChange(cluster);
  }

  async #annotate(change: (cluster: Cluster) => string | undefined): Promise<void> {
    const name = fencingAnnotation(await this.#read());
    const { cluster } = await this.#source.updateAnnotation(name, change, AbortSignal.timeout(writePatience));
    this.#onChange(cluster);
  }

  async #read(): Promise<Cluster> {
    return (await this.#source.read(AbortSignal.timeout(writePatience))).cluster;
  }
}
