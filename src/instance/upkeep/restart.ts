import type { Client } from 'pg';
import {
  decreaseDone,
  type OperatedRestart,
  type PhaseWord,
  planOperatedRestart,
} from '../../alignment/operated-restart.ts';
import { planRestart, type RestartPlan, restartHindrance } from '../../alignment/restart-plan.ts';
import { withPhase } from '../../cluster/conditions.ts';
import { primaryUpdateStrategy } from '../../cluster/defaults.ts';
import { type ClusterStatus, clusterPhase } from '../../cluster/status.ts';
import { type PendingRestartRow, pendingRestartQuery } from '../../postgres/status-queries.ts';
import { now } from '../deadline.ts';
import { readEnforcedParameters } from '../enforced-parameters.ts';
import type { Postmaster } from '../postmaster.ts';
import type { StepContext } from '../step-context.ts';

/** The configuration that the server runs with. */
interface Loaded {
  /** Digest of the spec that it comes from; undefined: not known yet. */
  readonly spec: string | undefined;
  /** It is what the files say. */
  readonly isCurrent: boolean;
}

/** Restarts in place: those that a changed parameter needs, and those that a person asks for. */
export class RestartUpkeep {
  readonly #step: StepContext;
  readonly #awaySince = new Map<string, number>();
  /** The server that was stopped since a person asked for it. */
  #stoppedAsAsked: Postmaster | undefined;
  /** What the operator is to be told when the server has been restarted. */
  #wordAfter: PhaseWord | undefined;
  /** Digest of the spec for which the operator has been told. */
  #toldFor: string | undefined;
  #said = '';
  #isWaiting = false;
  #isPending = false;

  constructor(step: StepContext) {
    this.#step = step;
  }

  /** Whether a restart waits for others: for WAL that is to be replayed, which nothing tells of. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether a changed parameter waits for a restart, as it was seen last. */
  get isPending(): boolean {
    return this.#isPending;
  }

  async settle(client: Client, loaded: Loaded, signal: AbortSignal): Promise<void> {
    const row = (await client.query<PendingRestartRow>(pendingRestartQuery)).rows[0];
    this.#isPending = row?.pending === true;
    if (this.#isCarriedOut()) await this.#withdrawCommand(signal);
    const isAsked = this.#isAskedFor();
    if (!isAsked) this.#stoppedAsAsked = undefined;
    const wanted = isAsked
      ? ({ kind: 'now', why: 'asked for' } as const)
      : await this.#plan(row, loaded.spec);
    const plan = wanted.kind === 'now' ? (this.#hindrance(loaded) ?? wanted) : wanted;
    this.#isWaiting = plan.kind === 'wait';
    this.#say(plan);
    if (plan.kind === 'now') this.#restart(isAsked);
    else await this.#tell(plan, loaded.spec, signal);
  }

  /** Once for a configuration: the operator makes another phase of it, which is not to be taken back (W8 in contract 03, 2.4). */
  async #tell(plan: OperatedRestart, spec: string | undefined, signal: AbortSignal): Promise<void> {
    const word = plan.kind === 'tell' ? plan : this.#wordAfter;
    if (word === undefined || (plan.kind === 'tell' && spec === this.#toldFor)) return;
    const phase = clusterPhase[word.phase];
    await this.#step.view.update((status) => withPhase(status, phase, word.reason, Date.now()), signal);
    this.#wordAfter = undefined;
    this.#toldFor = spec;
  }

  /** The phase is the command (contract 03, 3.15). */
  #isAskedFor(): boolean {
    const { view, settings } = this.#step;
    const status = view.latest?.cluster.status;
    return status?.phase === clusterPhase.restartInPlace && status.currentPrimary === settings.name;
  }

  async #plan(row: PendingRestartRow | undefined, spec: string | undefined): Promise<OperatedRestart> {
    const { view, settings, observation, context, desired } = this.#step;
    const cluster = view.latest?.cluster;
    if (row === undefined || cluster === undefined) return { kind: 'none' };
    const isPrimary = observation.inRecovery === false;
    if (view.kind === 'kubernetes') {
      const plan = planOperatedRestart({
        isPrimary,
        isPending: row.pending,
        isDecrease: row.decrease,
        strategy: primaryUpdateStrategy(cluster.spec),
        instances: cluster.spec.instances ?? 1,
        isApplying: cluster.status?.phase === clusterPhase.applyingConfiguration,
      });
      if (plan.kind === 'now') this.#wordAfter = decreaseDone;
      return plan;
    }
    const reported = cluster.status?.instancesReportedState ?? {};
    const away = this.#noteAway();
    const enforced = row.decrease ? await readEnforcedParameters(context, desired().parameters) : undefined;
    return planRestart({
      name: settings.name,
      isPrimary,
      isPending: row.pending,
      isDecrease: row.decrease,
      isDecreaseReplayed: enforced?.size === 0,
      strategy: primaryUpdateStrategy(cluster.spec),
      others: Object.keys(reported)
        .filter((name) => name !== settings.name && name !== cluster.status?.currentPrimary)
        .map((name) => ({
          name,
          isPending: reported[name]?.pendingRestart === true,
          isUpToDate: reported[name]?.configurationHash === spec,
          awayFor: away.get(name),
        })),
    });
  }

  /**
   * For how long each of the others has been seen not to stream: the primary sees it, and tells it in the status. Timed by
   * the clock of this instance, from the first time it was seen.
   */
  #noteAway(): ReadonlyMap<string, number> {
    const { view, observation } = this.#step;
    const { instancesReportedState = {}, instancesStatus } = view.latest?.cluster.status ?? {};
    const at = now();
    const away = new Map<string, number>();
    for (const name of Object.keys(instancesReportedState)) {
      const isAway =
        observation.inRecovery === false
          ? !observation.streaming.includes(name)
          : instancesStatus?.failed?.includes(name) === true;
      if (!isAway) this.#awaySince.delete(name);
      else if (!this.#awaySince.has(name)) this.#awaySince.set(name, at);
      const since = this.#awaySince.get(name);
      if (since !== undefined) away.set(name, at - since);
    }
    return away;
  }

  /**
   * Why no restart is begun at this moment, whoever wants it: the aligner starts and stops the server, and this may not
   * come in its way. Asked right before the stop, with nothing awaited in between.
   */
  #hindrance({ isCurrent }: Loaded): RestartPlan | undefined {
    const { observation, view } = this.#step;
    const { currentPrimary, targetPrimary } = view.latest?.cluster.status ?? {};
    return restartHindrance({
      goal: observation.alignment?.goal,
      step: observation.alignment?.step,
      isRunning: observation.phase === 'running',
      isPrimarySettled: currentPrimary === targetPrimary,
      isConfigurationLoaded: isCurrent,
    });
  }

  /** The lease is renewed meanwhile, and the role stays: the server comes back as what it was. */
  #restart(isAsked: boolean): void {
    const { server, observation } = this.#step;
    if (isAsked) this.#stoppedAsAsked = server.postmaster;
    observation.isRestarting = true;
    server.stop('restart');
  }

  /** Whether another server answers than the one that was stopped since a person asked for it. */
  #isCarriedOut(): boolean {
    return this.#stoppedAsAsked !== undefined && this.#stoppedAsAsked !== this.#step.server.postmaster;
  }

  /** W7 in contract 03: a manager that dies before this restarts the server once more. */
  async #withdrawCommand(signal: AbortSignal): Promise<void> {
    const done = (status: ClusterStatus) =>
      withPhase(status, clusterPhase.healthy, 'Primary instance restarted in-place', Date.now());
    await this.#step.view.update(
      (status) => (status.phase === clusterPhase.restartInPlace ? done(status) : undefined),
      signal,
    );
    this.#stoppedAsAsked = undefined;
  }

  #say(plan: OperatedRestart): void {
    const why = plan.kind === 'none' ? '' : plan.kind === 'tell' ? plan.reason : plan.why;
    const text = why === '' ? '' : `restart: ${plan.kind}: ${why}`;
    if (text === this.#said) return;
    this.#said = text;
    if (text !== '') this.#step.log.info(text);
  }
}
