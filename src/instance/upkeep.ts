import type { Client } from 'pg';
import { connect } from '../postgres/io/connection.ts';
import { now } from './deadline.ts';
import type { FailoverQuorum } from './failover-quorum.ts';
import type { LeaseHolding } from './lease-holding.ts';
import type { PodDuties } from './pod-duties.ts';
import { ReceiverNudge } from './receiver-nudge.ts';
import { loginOf, serverAddress } from './server-access.ts';
import type { StepContext } from './step-context.ts';
import { ConfigurationUpkeep } from './upkeep/configuration.ts';
import { Duties } from './upkeep/duties.ts';
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

export interface UpkeepOptions {
  readonly statusPort: number;
  readonly podDuties?: PodDuties | undefined;
  readonly quorum?: FailoverQuorum | undefined;
}

/**
 * What an instance that shares its Cluster looks after besides its role: its configuration, the role and the slots of
 * replication, restarts that a change needs, and what the others read of it in the status. Each duty fails on its own. One
 * pass at a time; whatever happens meanwhile makes another one.
 */
export class Upkeep {
  readonly #step: StepContext;
  readonly #configuration: ConfigurationUpkeep;
  readonly #role = new ReplicationRole();
  readonly #slots = new SlotUpkeep();
  readonly #restart: RestartUpkeep;
  readonly #report: ClusterReport;
  readonly #stopped = new AbortController();
  readonly #duties: Duties;
  readonly #podDuties: PodDuties | undefined;
  readonly #quorum: FailoverQuorum | undefined;
  readonly #nudge: ReceiverNudge;
  #timer: NodeJS.Timeout | undefined;
  #isWanted = false;
  #isBusy = false;

  constructor(step: StepContext, lease: LeaseHolding, { statusPort, podDuties, quorum }: UpkeepOptions) {
    this.#podDuties = podDuties;
    this.#quorum = quorum;
    this.#step = step;
    this.#duties = new Duties(step.log, this.#stopped.signal);
    this.#configuration = new ConfigurationUpkeep(step);
    this.#restart = new RestartUpkeep(step);
    this.#report = new ClusterReport(step, lease, statusPort);
    this.#nudge = new ReceiverNudge(step, this.#stopped.signal);
  }

  /** Something may have changed. */
  trigger(): void {
    this.#isWanted = true;
    this.#nudge.look();
    if (!this.#isBusy && !this.#stopped.signal.aborted) void this.#work();
  }

  /** This standby has lost its source. */
  disconnected(): void {
    this.#nudge.disconnected();
  }

  /**
   * The configuration is to be settled and loaded now, in its turn among the other duties: what the operator is told of synchronous
   * standbys is one of them.
   *
   * @returns false: there is no server that a pass could do that with
   */
  reload(): boolean {
    if (!this.#isServing) return false;
    this.#configuration.requireReload();
    this.trigger();
    return true;
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
      await this.#pass();
      const isWaiting = this.#restart.isWaiting || this.#slots.isWaiting;
      const period = Math.min(regularPeriod, this.#slots.period);
      wait = this.#duties.areDone && !isWaiting ? period : Math.max(retryPeriod, this.#duties.pause);
    }
    this.#isBusy = false;
    if (!this.#stopped.signal.aborted) this.#timer = setTimeout(() => this.trigger(), wait);
  }

  get #isServing(): boolean {
    const { observation, server } = this.#step;
    const { phase, inRecovery } = observation;
    return phase === 'running' && inRecovery !== undefined && server.postmaster !== undefined;
  }

  async #pass(): Promise<void> {
    const { context, desired } = this.#step;
    const duties = this.#duties;
    duties.begin();
    await duties.attempt('registration', (signal) => this.#report.register(signal));
    await duties.attempt('certificates', (signal) => this.#podDuties?.settleCertificates(this.#step, signal));
    if (!this.#isServing) return;
    const isWritten = await duties.attempt('configuration', (signal) => this.#configuration.settle(signal));
    await duties.attempt('session', async () => {
      const client = await connect(serverAddress(context), loginOf(desired()), limits);
      await this.#ask(client, isWritten).finally(() => client.end().catch(() => {}));
    });
  }

  /** What takes a session. */
  async #ask(client: Client, isWritten: boolean): Promise<void> {
    const { observation, log } = this.#step;
    const duties = this.#duties;
    const begun = now();
    const isPrimary = observation.inRecovery === false;
    const isConfirmed = await duties.attempt('reload', (signal) =>
      this.#configuration.confirm(client, signal),
    );
    if (isPrimary) await duties.attempt('role', () => this.#role.settle(client, this.#step));
    if (isPrimary)
      await duties.attempt('passwords', (signal) =>
        this.#podDuties?.settlePasswords(this.#step, client, signal),
      );
    if (isPrimary && isConfirmed && isWritten)
      await duties.attempt('quorum', (signal) => this.#quorum?.advertise(this.#step, client, signal));
    await duties.attempt('slots', (signal) => this.#slots.settle(client, this.#step, isPrimary, signal));
    const loaded = { spec: this.#configuration.loadedSpec, isCurrent: isWritten && isConfirmed };
    await duties.attempt('restart', (signal) => this.#restart.settle(client, loaded, signal));
    const restart = { isPending: this.#restart.isPending, spec: loaded.spec };
    await duties.attempt('report', (signal) => this.#report.write(client, restart, signal));
    log.debug({ milliseconds: Math.round(now() - begun) }, 'upkeep done');
  }
}
