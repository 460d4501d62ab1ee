import { messageOf } from '../errors/manager-error.ts';
import { connect } from '../postgres/io/connection.ts';
import { now } from './deadline.ts';
import type { LeaseHolding } from './lease-holding.ts';
import { loginOf, serverAddress } from './server-access.ts';
import type { StepContext } from './step-context.ts';
import { ConfigurationUpkeep } from './upkeep/configuration.ts';
import { ReplicationRole } from './upkeep/replication-role.ts';
import { ClusterReport } from './upkeep/report.ts';
import { RestartUpkeep } from './upkeep/restart.ts';
import { SlotUpkeep } from './upkeep/slots.ts';

/** Milliseconds until a pass is repeated that failed, or that left something to wait for. */
const retryPeriod = 2_000;
/** Milliseconds between two passes in which nothing seems to have changed: slots move on without telling. */
const regularPeriod = 30_000;
/** A pass asks short questions. */
const limits = { connectTimeout: 5_000, statementTimeout: 10_000 };

/**
 * What an instance that shares its Cluster looks after besides its role: its configuration, the role and the slots of
 * replication, restarts that a change needs, and what the others read of it in the status. One pass at a time; whatever
 * happens meanwhile makes another one.
 */
export class Upkeep {
  readonly #step: StepContext;
  readonly #configuration: ConfigurationUpkeep;
  readonly #role = new ReplicationRole();
  readonly #slots = new SlotUpkeep();
  readonly #restart: RestartUpkeep;
  readonly #report: ClusterReport;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isWanted = false;
  #isBusy = false;
  #trouble: string | undefined;

  constructor(step: StepContext, lease: LeaseHolding, statusPort: number) {
    this.#step = step;
    this.#configuration = new ConfigurationUpkeep(step);
    this.#restart = new RestartUpkeep(step);
    this.#report = new ClusterReport(step, lease, statusPort);
  }

  /** Something may have changed. */
  trigger(): void {
    this.#isWanted = true;
    if (!this.#isBusy && !this.#stopped.signal.aborted) void this.#work();
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    clearTimeout(this.#timer);
    let wait = regularPeriod;
    while (this.#isWanted && !this.#stopped.signal.aborted) {
      this.#isWanted = false;
      const isSettled = (await this.#tryPass()) && !this.#restart.isWaiting;
      wait = isSettled ? regularPeriod : retryPeriod;
    }
    this.#isBusy = false;
    if (!this.#stopped.signal.aborted) this.#timer = setTimeout(() => this.trigger(), wait);
  }

  async #tryPass(): Promise<boolean> {
    try {
      await this.#pass(this.#stopped.signal);
      this.#trouble = undefined;
      return true;
    } catch (error) {
      if (this.#stopped.signal.aborted) return true;
      const text = messageOf(error);
      // The same trouble is told once, not every two seconds.
      if (text !== this.#trouble) this.#step.log.warn({ error }, 'upkeep: will be tried again');
      this.#trouble = text;
      return false;
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { observation, server, context, desired } = this.#step;
    await this.#report.register(signal);
    const isServing = observation.phase === 'running' && observation.inRecovery !== undefined;
    if (!isServing || server.postmaster === undefined) return;
    this.#configuration.settle();
    const client = await connect(serverAddress(context), loginOf(desired()), limits);
    try {
      const begun = now();
      const isPrimary = observation.inRecovery === false;
      await this.#configuration.confirm(client, signal);
      if (isPrimary) await this.#role.settle(client, this.#step);
      await this.#slots.settle(client, this.#step, isPrimary);
      const pending = await this.#restart.settle(client);
      await this.#report.write(client, pending, signal);
      this.#step.log.debug({ milliseconds: Math.round(now() - begun) }, 'upkeep done');
    } finally {
      await client.end().catch(() => {});
    }
  }
}
