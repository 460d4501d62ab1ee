import { type Decision, decide } from '../alignment/decide.ts';
import type { InstanceFacts, Situation } from '../alignment/facts.ts';
import { leading } from '../alignment/goal.ts';
import {
  failureHappening,
  happeningOf,
  isolationHappening,
  refusalHappening,
} from '../alignment/happenings.ts';
import { type Failures, forgetFailure, noteFailure } from '../alignment/pacing.ts';
import type { StopEvent } from '../alignment/stop-plan.ts';
import { type Roles, validityOf } from '../alignment/validity.ts';
import { messageOf } from '../errors/manager-error.ts';
import { DataProblem } from './data-problem.ts';
import { now } from './deadline.ts';
import type { LeaseHolding } from './lease-holding.ts';
import { lookAtCluster, lookAtInstance } from './look.ts';
import type { ServerEnd } from './server.ts';
import type { Sharing } from './sharing.ts';
import type { StepContext } from './step-context.ts';
import {
  deadlines,
  failureOf,
  fatal,
  isStop,
  revocable,
  steps,
  stopEvents,
  type WorkStep,
} from './step-list.ts';
import type { Watchdog } from './watchdog.ts';

/** A server that was taken over may go on without a lease for this long: two looks at it. */
const adoptionGrace = 4_000;

/** Milliseconds after its deadline in which a step must have given up: it was told to, and waits for nothing else. */
const overdueAfter = 30_000;

interface RunningStep {
  readonly name: WorkStep;
  /** When it must be over, by the clock of the aligner; undefined: it has its own measure. */
  readonly mustEnd: number | undefined;
  readonly abort: AbortController;
}

/**
 * The loop of an instance: what is seen becomes a decision (src/alignment), a decision becomes at most one step, and what
 * the step has changed is seen again. Nothing else starts a server, or changes what its files say of its role; nothing else
 * stops one, but for a restart in place, which waits until there is nothing to do (upkeep/restart.ts).
 */
export class Aligner {
  readonly #step: StepContext;
  readonly #lease: LeaseHolding;
  readonly #watchdog: Watchdog | undefined;
  readonly #clock: () => number;
  readonly #onRefusal: () => void;
  readonly #adoptionGraceEnds: number;
  readonly #end = Promise.withResolvers<ServerEnd | undefined>();
  #failures: Failures = {};
  #running: RunningStep | undefined;
  #isQuitting = false;
  #quitEvent: StopEvent = 'stop requested';
  /** What the present server was last asked to stop for. */
  #stopAsked: StopEvent | undefined;
  #isOver = false;
  #isDeciding = false;
  #timer: NodeJS.Timeout | undefined;
  #receiver: InstanceFacts['receiver'] = 'unknown';
  readonly #dataProblem: DataProblem;
  #roles: Roles = { currentPrimary: '', targetPrimary: '' };

  /** @param onRefusal called when a refusal begins, changes or ends */
  constructor(step: StepContext, { lease, watchdog }: Sharing, clock: () => number, onRefusal: () => void) {
    this.#step = step;
    this.#lease = lease;
    this.#watchdog = watchdog;
    this.#clock = clock;
    this.#dataProblem = new DataProblem(step.log);
    this.#onRefusal = onRefusal;
    this.#adoptionGraceEnds = clock() + adoptionGrace;
  }

  /** A step heeds nothing any more, not even its deadline: nothing else will ever be done here. */
  get isStuck(): boolean {
    const mustEnd = this.#running?.mustEnd;
    return mustEnd !== undefined && this.#clock() > mustEnd;
  }

  /** Aligns until the process is to end. Resolves with the end of the last server, if there was one; rejects when a step fails for good. */
  run(): Promise<ServerEnd | undefined> {
    this.wake();
    return this.#end.promise;
  }

  /** The process is to end: the server is stopped first. A second call makes the stop harder. */
  quit(event: StopEvent): void {
    if (this.#isQuitting) this.#step.server.stop(event);
    this.#isQuitting = true;
    this.#quitEvent = event;
    this.#running?.abort.abort(new Error('stop requested'));
    this.wake();
  }

  /** A person has changed something: what was refused is tried again. */
  forgive(): void {
    this.#failures = {};
    this.wake();
  }

  /** The server has ended. One that nobody stopped ends the process as well: something is wrong that a restart must look at. */
  serverEnded(end: ServerEnd): void {
    const { findings, log } = this.#step;
    this.#stopAsked = undefined;
    findings.isPromoting = false;
    findings.trouble = undefined;
    findings.strandedAt = undefined;
    // When the time of the lease is over, the watchdog may have done what this process could not.
    const { fenceAt } = this.#lease.facts;
    const isIsolated = fenceAt !== undefined && this.#clock() >= fenceAt;
    const isAsked = (end.mode !== undefined || isIsolated) && end.cause !== 'fault';
    if (!isAsked || this.#isQuitting) {
      this.#finish(end);
      return;
    }
    log.info({ cause: end.cause }, 'the server has ended as it was asked to');
    this.#step.transition('parked');
    this.wake();
  }

  /** Something may have changed: decides anew, as soon as the present turn of the loop is over. */
  wake(): void {
    if (this.#isDeciding || this.#isOver) return;
    this.#isDeciding = true;
    queueMicrotask(() => {
      this.#isDeciding = false;
      if (!this.#isOver) this.#decide();
    });
  }

  #decide(): void {
    clearTimeout(this.#timer);
    this.#forgetWhatIsOld();
    const situation = this.#look();
    const decision = decide(situation);
    this.#show(decision);
    this.#lease.intend(decision.lease);
    this.#expectRelease(situation, decision);
    this.#watch(situation, decision);
    if (decision.needsReadingOf !== undefined) this.#step.view.requireNewerThan(decision.needsReadingOf);
    this.#step.server.monitor?.hurry(decision.goal === 'claim' || decision.goal === 'lead');
    this.#act(decision);
    if (decision.again !== undefined) {
      const wait = Math.min(Math.max(1, decision.again - this.#clock()), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.wake(), wait);
    }
    this.#park(decision);
    const isDone =
      this.#isQuitting && this.#step.server.postmaster === undefined && this.#running === undefined;
    if (isDone) this.#finish(undefined);
  }

  /** The end of the WAL is the first that a candidate hears of the end of the old primary. */
  #expectRelease({ instance }: Situation, { goal }: Decision): void {
    const hasEnded = this.#receiver === 'receiving' && instance.receiver === 'idle';
    this.#receiver = instance.receiver;
    if (hasEnded && goal === 'claim') this.#lease.expectRelease();
  }

  /** A primary that runs is guarded until its lease runs out; the steps guard what they are about to make one. */
  #watch({ instance, lease }: Situation, { goal, isRefused }: Decision): void {
    const { server } = this.#step;
    const postmaster = server.postmaster?.pid;
    if (instance.data === 'primary' && postmaster !== undefined) {
      if (lease.fenceAt !== undefined) this.#watchdog?.guard({ fenceAt: lease.fenceAt, postmaster });
    } else if (leading.has(goal) && !isRefused) this.#watchdog?.prepare();
    else if (this.#running === undefined && !server.isAdopted) this.#watchdog?.release();
  }

  /** Nothing to do and no server: that is a state of its own, which probes can tell. */
  #park({ step }: Decision): void {
    const { server, observation, transition } = this.#step;
    const isIdle = step === undefined && this.#running === undefined && server.postmaster === undefined;
    if (isIdle && !this.#isQuitting && observation.phase !== 'waiting') transition('parked');
  }

  #act({ step, goal }: Decision): void {
    const running = this.#running;
    if (running !== undefined && running.name !== step && revocable.has(running.name)) {
      running.abort.abort(new Error(`${running.name} is no longer wanted`));
    }
    if (step === undefined) return;
    if (isStop(step)) {
      this.#stop(goal === 'quit' ? this.#quitEvent : stopEvents[step]);
    } else if (running === undefined) void this.#carryOut(step);
  }

  /** The same wish is said once: a second one counts as impatience. */
  #stop(event: StopEvent): void {
    if (event === this.#stopAsked) return;
    this.#stopAsked = event;
    this.#step.server.stop(event);
  }

  async #carryOut(name: WorkStep): Promise<void> {
    const abort = new AbortController();
    const deadline = deadlines[name];
    const mustEnd = deadline === undefined ? undefined : this.#clock() + deadline + overdueAfter;
    this.#running = { name, mustEnd, abort };
    const signal =
      deadline === undefined ? abort.signal : AbortSignal.any([abort.signal, AbortSignal.timeout(deadline)]);
    try {
      const carryOut = await steps[name]();
      await carryOut(this.#step, signal);
      this.#failures = forgetFailure(this.#failures, name);
      const happening = happeningOf(this.#step.settings.name, name);
      if (happening !== undefined) this.#step.tell(happening);
    } catch (error) {
      this.#noteFailure(name, error, abort.signal.aborted);
    } finally {
      this.#running = undefined;
      this.wake();
    }
  }

  #noteFailure(name: WorkStep, error: unknown, isRevoked: boolean): void {
    const { log } = this.#step;
    if (isRevoked && (this.#isQuitting || revocable.has(name))) {
      log.info({ step: name, error: messageOf(error) }, 'step called off');
      return;
    }
    if (fatal.has(name)) {
      this.#isOver = true;
      this.#end.reject(error);
      return;
    }
    this.#failures = noteFailure(this.#failures, name, { at: this.#clock(), ...failureOf(error) });
    log.warn({ error, step: name, attempts: this.#failures[name]?.count }, 'step failed');
    this.#step.tell(failureHappening(this.#step.settings.name, name, messageOf(error)));
  }

  #finish(end: ServerEnd | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#running?.abort.abort(new Error('the instance ends'));
    this.#end.resolve(end);
  }

  /** What was found out, and what has failed, holds for one primary. */
  #forgetWhatIsOld(): void {
    const { view, findings } = this.#step;
    const { currentPrimary = '', targetPrimary = '' } = view.latest?.cluster.status ?? {};
    const roles = { currentPrimary, targetPrimary };
    const stillHolds = validityOf(this.#roles, roles);
    this.#roles = roles;
    if (!stillHolds.failures) this.#failures = {};
    if (stillHolds.kinship) return;
    findings.kinship = undefined;
    findings.strandedAt = undefined;
  }

  #look(): Situation {
    const instance = lookAtInstance(this.#step);
    this.#dataProblem.note(instance);
    return {
      instance,
      cluster: lookAtCluster(this.#step, instance),
      lease: this.#lease.facts,
      failures: this.#failures,
      running: this.#running?.name,
      isQuitting: this.#isQuitting,
      adoptionGraceEnds: this.#adoptionGraceEnds,
      now: this.#clock(),
    };
  }

  /** One line a change, and the same in the status. */
  #show({ state, goal, step, why, isRefused }: Decision): void {
    const { observation, log } = this.#step;
    observation.failures = this.#failures;
    const before = observation.alignment;
    const shown = this.#running?.name ?? step;
    const isSame =
      before?.state === state && before.goal === goal && before.step === shown && before.why === why;
    if (isSame) return;
    observation.alignment = { state, goal, step: shown, why, isRefused, since: now() };
    if (isRefused || before?.isRefused === true) this.#onRefusal();
    const line = shown ?? why ?? 'nothing to do';
    const me = this.#step.settings.name;
    if (isRefused) this.#step.tell(refusalHappening(me, line));
    if (goal === 'isolate' && before?.goal !== goal) this.#step.tell(isolationHappening(me));
    if (isRefused) log.error({ state, goal }, `refused: ${line}`);
    else log.info({ state, goal, ...(shown === undefined ? {} : { step: shown }) }, `alignment: ${line}`);
  }
}
