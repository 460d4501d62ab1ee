import type { Decision } from '../../../src/alignment/decide.ts';
import type { Situation } from '../../../src/alignment/facts.ts';
import { type Failures, forgetFailure, noteFailure } from '../../../src/alignment/pacing.ts';
import type { StepName } from '../../../src/alignment/step-name.ts';
import type { StopEvent } from '../../../src/alignment/stop-plan.ts';
import { type Roles, validityOf } from '../../../src/alignment/validity.ts';
import { lookAtInstance } from './look.ts';
import type { Manager } from './manager.ts';
import { primaryIsAway, steps, type WorkStep } from './steps.ts';
import { Stopper } from './stopper.ts';

/** A server that was taken over may go on without a lease for this long: two looks at it. */
const adoptionGrace = 4_000;

const stopEvents = {
  'stop in order': 'stop requested',
  'stop fast': 'hand over',
  'stop at once': 'isolation',
} as const satisfies Partial<Record<StepName, StopEvent>>;

const revocable: ReadonlySet<StepName> = new Set(['initialise', 'join', 'compare', 'rewind']);
const fatal: ReadonlySet<StepName> = new Set(['initialise', 'start']);

interface RunningStep {
  readonly name: WorkStep;
  readonly since: number;
  isCalledOff: boolean;
}

/**
 * The loop of src/instance/aligner.ts over the model: it sees, decides, and carries out at most one step at a time. What it
 * knows is lost when its process dies.
 */
export class Aligner {
  decision: Decision | undefined;
  running: RunningStep | undefined;
  /** The process ends: nothing is decided any more. */
  isOver = false;
  readonly #manager: Manager;
  readonly #onEnd: () => void;
  #failures: Failures = {};
  #isQuitting = false;
  #stopper: Stopper | undefined;
  #stopAsked: StopEvent | undefined;
  #isWaking = false;
  /** Something has happened since the last decision was made. */
  #isCalled = false;
  #timer = 0;
  #roles: Roles = { currentPrimary: '', targetPrimary: '' };
  #adoptionGraceEnds = 0;

  /** @param onEnd called when the process is to end */
  constructor(manager: Manager, onEnd: () => void) {
    this.#manager = manager;
    this.#onEnd = onEnd;
  }

  /** Whether a stop of the server has been begun. */
  get isStopping(): boolean {
    return this.#stopper !== undefined;
  }

  /** The process begins anew. */
  begin(): void {
    this.#failures = {};
    this.running = undefined;
    this.decision = undefined;
    this.#stopper = undefined;
    this.#stopAsked = undefined;
    this.#isQuitting = false;
    this.isOver = false;
    this.#isWaking = false;
    this.#adoptionGraceEnds = this.#manager.process.clock() + adoptionGrace;
  }

  quit(): void {
    this.#isQuitting = true;
    // Whatever runs is ended as soon as it notices; a rewind leaves a torn directory behind.
    if (this.running !== undefined) this.running.isCalledOff = true;
    this.wake();
  }

  serverEnded(): void {
    const { keeper, process, findings, monitor } = this.#manager;
    const mode = this.#stopper?.mode;
    const cause = this.#stopper?.cause;
    this.#stopper = undefined;
    this.#stopAsked = undefined;
    findings.isPromoting = false;
    findings.trouble = undefined;
    monitor.observation.phase = 'stopped';
    // When the time of the lease is over, the watchdog may have done what this process could not.
    const { fenceAt } = keeper.facts;
    const isIsolated = fenceAt !== undefined && process.clock() >= fenceAt;
    const isAsked = (mode !== undefined || isIsolated) && cause !== 'fault';
    if (!isAsked || this.#isQuitting) this.#onEnd();
    else this.wake();
  }

  wake(): void {
    this.#isCalled = true;
    if (this.#isWaking || this.isOver) return;
    this.#isWaking = true;
    this.#manager.later(0.1, 3, () => this.#decide());
  }

  #decide(): void {
    if (this.isOver) return;
    this.#isCalled = false;
    this.#timer += 1;
    this.#forgetWhatIsOld();
    const situation = this.#look();
    const { rules, keeper, view, monitor, process, quorum } = this.#manager;
    const decision = rules.decide(situation);
    this.#show(decision);
    keeper.intend(decision.lease);
    this.#watch(situation);
    if (decision.needsReadingOf !== undefined) view.requireNewerThan(decision.needsReadingOf);
    monitor.isHurried = decision.goal === 'claim' || decision.goal === 'lead';
    const goOn = () => {
      this.#isWaking = false;
      this.#act(decision);
      this.#sleep(decision.again);
      quorum.look();
      if (this.#isQuitting && !this.#manager.seesServer && this.running === undefined) this.#onEnd();
      else if (this.#isCalled) this.wake();
    };
    if (decision.step === undefined) goOn();
    else process.thenDo(goOn);
  }

  /** A primary that runs is guarded until its lease runs out. */
  #watch({ instance, lease }: Situation): void {
    const { hasTakenOver, instance: machine } = this.#manager;
    const { watchdog } = machine;
    const isPrimary = instance.data === 'primary' && instance.server === 'up';
    if (isPrimary && lease.fenceAt !== undefined) watchdog.arm(lease.fenceAt);
    // Nobody knows what a server that was taken over has been told before: it may be on its way to become a primary.
    else if (!isPrimary && this.running === undefined && !hasTakenOver) watchdog.disarm();
  }

  #sleep(again: number | undefined): void {
    if (again === undefined) return;
    const timer = this.#timer;
    const { process } = this.#manager;
    process.afterOwn(Math.max(1, again - process.clock()), () => {
      if (timer === this.#timer) this.wake();
    });
  }

  #act({ step, goal }: Decision): void {
    const { running } = this;
    if (
      running !== undefined &&
      !running.isCalledOff &&
      running.name !== step &&
      revocable.has(running.name)
    ) {
      this.#manager.note('calls off', running.name);
      running.isCalledOff = true;
      return;
    }
    if (step === undefined) return;
    if (isStop(step)) this.#stop(goal === 'quit' ? 'stop requested' : stopEvents[step]);
    else if (running === undefined) this.#carryOut(step);
  }

  #stop(event: StopEvent): void {
    const { monitor, process, rules, instance, world, seesServer } = this.#manager;
    if (event === this.#stopAsked || !seesServer) return;
    this.#stopAsked = event;
    this.#manager.note('stops the server', event);
    monitor.observation.phase = 'stopping';
    monitor.observation.phaseSince = process.clock();
    this.#stopper ??= new Stopper(instance, process, rules, world.setup.smartSeconds);
    this.#stopper.push(event);
    world.promises.stopBegins(instance, event);
  }

  #carryOut(name: WorkStep): void {
    const running = { name, since: this.#manager.world.timetable.now, isCalledOff: false };
    this.running = running;
    let isOver = false;
    const done = (error?: string) => {
      if (isOver) return;
      isOver = true;
      if (this.running === running) this.running = undefined;
      const isRevoked = running.isCalledOff && (this.#isQuitting || revocable.has(name));
      if (error !== undefined && !isRevoked) this.#noteFailure(name, error);
      else if (error === undefined) this.#failures = forgetFailure(this.#failures, name);
      this.wake();
    };
    steps[name](this.#manager, done, () => {
      if (running.isCalledOff) done('called off');
      return !running.isCalledOff;
    });
  }

  #noteFailure(name: WorkStep, text: string): void {
    this.#manager.note(`failed: ${name}`, text);
    if (fatal.has(name)) {
      this.#onEnd();
      return;
    }
    const isTransient = text === primaryIsAway;
    this.#failures = noteFailure(this.#failures, name, {
      at: this.#manager.process.clock(),
      text,
      isFinal: false,
      isTransient,
    });
  }

  /** What was found out, and what has failed, holds for one primary. */
  #forgetWhatIsOld(): void {
    const { view, findings } = this.#manager;
    const { currentPrimary = '', targetPrimary = '' } = view.latest ?? {};
    const roles = { currentPrimary, targetPrimary };
    const stillHolds = validityOf(this.#roles, roles);
    this.#roles = roles;
    if (!stillHolds.failures) this.#failures = {};
    if (stillHolds.kinship) return;
    findings.kinship = undefined;
    if (findings.trouble === 'removed') findings.trouble = undefined;
  }

  #look(): Situation {
    const { view, name, keeper, process } = this.#manager;
    const cluster = view.latest;
    return {
      instance: lookAtInstance(this.#manager),
      cluster:
        cluster === undefined
          ? undefined
          : {
              currentPrimary: cluster.currentPrimary,
              targetPrimary: cluster.targetPrimary,
              isFenced: cluster.fenced.includes(name),
              readAt: view.readAt,
            },
      lease: keeper.facts,
      failures: this.#failures,
      running: this.running?.name,
      isQuitting: this.#isQuitting,
      adoptionGraceEnds: this.#adoptionGraceEnds,
      now: process.clock(),
    };
  }

  #show(decision: Decision): void {
    const { state, goal, step, why, lease } = decision;
    const before = this.decision;
    this.decision = decision;
    if (before?.state !== state || before.goal !== goal || before.step !== step || before.why !== why) {
      this.#manager.note(`${state} x ${goal}:`, `${step ?? why} [lease: ${lease}]`);
    }
  }
}

function isStop(step: StepName): step is keyof typeof stopEvents {
  return step in stopEvents;
}
