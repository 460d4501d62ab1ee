import type { StopPolicy } from '../alignment/stop-plan.ts';
import type { ClusterReading } from '../cluster/source.ts';
import type { Logger } from '../logs/manager-log.ts';
import { ClusterView } from './cluster-view.ts';
import type { ClusterBinding, DesiredState } from './settings.ts';

/** What the Cluster asks of this instance, as it was understood last. */
export class Wishes {
  readonly view: ClusterView;
  readonly #binding: ClusterBinding;
  readonly #log: Logger;
  /** The last reading that was understood. */
  #understood: ClusterReading | undefined;
  #present: DesiredState | undefined;
  /** For the life of the process, as the times of the lease between which it lies (contract 03, 3.8). */
  #isolation: StopPolicy | undefined;

  /** @param clock that of the lease, in milliseconds */
  constructor(binding: ClusterBinding, clock: () => number, log: Logger) {
    this.#binding = binding;
    this.#log = log;
    this.view = new ClusterView(binding.source, clock, log);
  }

  /** Whether other instances have the same Cluster. */
  get isShared(): boolean {
    return this.view.kind !== 'standalone';
  }

  /** Throws before the first reading. */
  get present(): DesiredState {
    if (this.#present === undefined) throw new Error('the Cluster has not been read yet');
    return this.#present;
  }

  /**
   * Reads the Cluster for the first time, and follows it from then on: before whoever listens to the view is called, `present`
   * is what the view has. Rejects with what is wrong with it.
   */
  async start(signal: AbortSignal): Promise<ClusterReading> {
    const reading = await this.view.start(signal);
    this.#understand(reading);
    this.view.onChange(() => this.#follow());
    // It is watched already.
    if (this.view.latest !== reading) this.#follow();
    return reading;
  }

  /**
   * Takes over what the newest reading asks for, if that is possible. Otherwise what was asked for before stays, but not
   * whom to follow: after a failover the old primary is none, whatever a person has written into the specification.
   */
  #follow(): void {
    const { latest } = this.view;
    if (latest === undefined) return;
    try {
      this.#understand(latest);
    } catch (error) {
      this.#log.error({ error }, 'the Cluster asks for something impossible; what it asked for before stays');
      this.#followStatus(latest);
    }
  }

  #followStatus(latest: ClusterReading): void {
    if (this.#understood === undefined) return;
    const { status } = latest.cluster;
    const { status: _, ...cluster } = this.#understood.cluster;
    try {
      this.#understand({ ...latest, cluster: { ...cluster, ...(status === undefined ? {} : { status }) } });
    } catch (error) {
      this.#log.error({ error }, 'nor can its status be followed');
    }
  }

  #understand(reading: ClusterReading): DesiredState {
    const present = this.#binding.describe(reading);
    this.#isolation ??= present.policyFor('isolation');
    const isolation = this.#isolation;
    this.#present = {
      ...present,
      policyFor: (cause) => (cause === 'isolation' ? isolation : present.policyFor(cause)),
    };
    this.#understood = reading;
    return this.#present;
  }

  /** Reads the Cluster at this moment. Rejects with what is wrong with it; what it asked for before stays then. */
  async readAgain(signal: AbortSignal): Promise<DesiredState> {
    return this.#understand(await this.#binding.source.read(signal));
  }
}
