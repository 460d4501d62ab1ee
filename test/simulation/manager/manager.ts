import type { Decision } from '../../../src/alignment/decide.ts';
import type { InstanceFacts, Situation } from '../../../src/alignment/facts.ts';
import { defaultLeaseTimings } from '../../../src/alignment/lease.ts';
import { type Failures, forgetFailure, noteFailure } from '../../../src/alignment/pacing.ts';
import type { StepName } from '../../../src/alignment/step-name.ts';
import type { StopEvent } from '../../../src/alignment/stop-plan.ts';
import { type Roles, validityOf } from '../../../src/alignment/validity.ts';
import { Process } from '../engine/process.ts';
import type { SynchronousNames } from '../world/data-directory.ts';
import type { Instance } from '../world/instance.ts';
import type { ReceiverTrouble, Server } from '../world/server.ts';
import type { Caller } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { ClusterView } from './cluster-view.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { Monitor } from './monitor.ts';
import { namesFor, QuorumKeeper } from './quorum-keeper.ts';
import type { Rules } from './rules.ts';
import { primaryIsAway, steps, type WorkStep } from './steps.ts';
import { Stopper } from './stopper.ts';
import { Vouchers } from './vouchers.ts';

/** A server that was taken over may go on without a lease for this long: two looks at it. */
const adoptionGrace = 4_000;
/** Milliseconds in which the lease must be given back at the end of the process. */
const releasePatience = 3_000;

const stopEvents = {
  'stop in order': 'stop requested',
  'stop fast': 'hand over',
  'stop at once': 'isolation',
} as const satisfies Partial<Record<StepName, StopEvent>>;

const revocable: ReadonlySet<StepName> = new Set(['initialise', 'join', 'compare', 'rewind']);
const fatal: ReadonlySet<StepName> = new Set(['initialise', 'start']);

export interface Findings {
  kinship: InstanceFacts['kinship'] | undefined;
  isPromoting: boolean;
  /** Why its standby cannot go on; undefined: it has not said so. */
  trouble: ReceiverTrouble | undefined;
}

/**
 * The first process of a container: the loop of src/instance/aligner.ts over the model. It sees, decides, and carries out
 * at most one step at a time; everything it knows is lost when it dies.
 */
export class Manager implements Caller {
  readonly name: string;
  readonly instance: Instance;
  readonly world: World;
  readonly rules: Rules;
  readonly process: Process;
  readonly random: Instance['random'];
  view!: ClusterView;
  keeper!: LeaseKeeper;
  monitor!: Monitor;
  quorum!: QuorumKeeper;
  #stopper: Stopper | undefined;
  findings: Findings = { kinship: undefined, isPromoting: false, trouble: undefined };
  /** Whether it has a server, as far as it knows. */
  seesServer = false;
  decision: Decision | undefined;
  #failures: Failures = {};
  running: { readonly name: WorkStep; readonly since: number; isCalledOff: boolean } | undefined;
  #isQuitting = false;
  /** The server is one that an earlier manager has started. */
  #hasTakenOver = false;
  /** It ends: nothing is decided any more. */
  #isOver = false;
  #stopAsked: StopEvent | undefined;
  #isWaking = false;
  /** Something has happened since the last decision was made. */
  #isCalled = false;
  #timer = 0;
  #roles: Roles = { currentPrimary: '', targetPrimary: '' };
  #adoptionGraceEnds = 0;

  constructor(world: World, instance: Instance) {
    this.world = world;
    this.instance = instance;
    this.rules = world.rules;
    this.name = instance.name;
    this.random = instance.random;
    this.process = new Process(world.timetable, instance.clock, instance.random);
    world.store.watch(this, (kind) => {
      if (kind === 'cluster') this.view.refresh();
      else this.keeper.lookAgain();
    });
  }

  /** Whether a stop of its server has been begun. */
  get isStopping(): boolean {
    return this.#stopper !== undefined;
  }

  get server(): Server | undefined {
    return this.instance.server;
  }

  later(low: number, high: number, run: () => void): void {
    this.process.after(this.random.between(low, high) * (this.instance.isSlow ? 4 : 1), run);
  }

  note(what: string, detail?: unknown): void {
    this.world.trace.note(this.world.timetable.now, this.name, what, detail);
  }

  // ---------------------------------------------------------------------------------------------- life

  boot(): void {
    const { process, world, rules } = this;
    process.begin();
    this.findings = { kinship: undefined, isPromoting: false, trouble: undefined };
    this.#failures = {};
    this.running = undefined;
    this.decision = undefined;
    this.#stopper = undefined;
    this.#stopAsked = undefined;
    this.#isQuitting = false;
    this.#isOver = false;
    this.#isWaking = false;
    this.#adoptionGraceEnds = process.clock() + adoptionGrace;
    this.monitor = new Monitor(this.instance, process, () => this.wake());
    this.keeper = new LeaseKeeper({
      caller: this,
      store: world.store,
      rules,
      timings: defaultLeaseTimings,
      wallClock: () => world.wallClock(this.name),
      isHealthy: () => rules.isFitToLead(this.monitor.look(), process.clock()),
      vouchers: world.setup.asksOthers ? new Vouchers(this) : undefined,
      onChange: () => this.wake(),
      onWritten: (kind) => world.promises.leaseWritten(this.instance, kind),
    });
    this.quorum = new QuorumKeeper(this);
    this.view = new ClusterView({
      caller: this,
      store: world.store,
      keepsNewest: rules.keepsNewestCluster,
      onChange: () => this.wake(),
    });
    this.note('manager starts', this.instance.directory.isTorn ? 'torn' : undefined);
    this.seesServer = this.server !== undefined;
    this.#hasTakenOver = false;
    if (this.seesServer) {
      this.#hasTakenOver = rules.keepsGuardOnTakeover;
      if (!rules.keepsGuardOnTakeover) this.instance.watchdog.disarm();
      this.monitor.begin();
    }
    this.wake();
  }

  die(): void {
    this.process.kill();
  }

  /** TERM: the server is stopped in order, and the process ends. */
  quit(): void {
    if (!this.process.isAlive || this.#isOver) return;
    const { life } = this.process;
    this.process.deliver(life, () => {
      this.note('is asked to end');
      this.#isQuitting = true;
      // Whatever runs is ended as soon as it notices; a rewind leaves a torn directory behind.
      if (this.running !== undefined) this.running.isCalledOff = true;
      this.wake();
    });
  }

  #exit(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.keeper.leave(releasePatience, () => {
      this.note('manager ends');
      this.instance.die(true);
      this.world.restartLater(this.instance);
    });
  }

  // ---------------------------------------------------------------------------------------------- what it hears

  /** Another instance asks for a promise; see src/alignment/vouching.ts. */
  promise(holder: string): boolean {
    if (this.#isOver) return false;
    const isPrimary = this.#look().instance.data === 'primary';
    return this.keeper.promise(holder, { roles: this.view.latest, isPrimary });
  }

  serverNews(): void {
    const { life } = this.process;
    this.process.deliver(life, () => this.monitor.changed());
  }

  /** The log of the standby says that it cannot go on. */
  receiverRefused(trouble: ReceiverTrouble): void {
    this.later(2, 100, () => {
      if (this.findings.trouble === trouble || !this.seesServer) return;
      this.findings.trouble = trouble;
      this.note('standby is astray', trouble);
      this.wake();
    });
  }

  serverEnded(): void {
    this.later(1, 10, () => {
      if (!this.seesServer || this.server !== undefined) return;
      this.seesServer = false;
      this.#hasTakenOver = false;
      const mode = this.#stopper?.mode;
      const cause = this.#stopper?.cause;
      this.#stopper = undefined;
      this.#stopAsked = undefined;
      this.findings.isPromoting = false;
      this.findings.trouble = undefined;
      this.monitor.observation.phase = 'stopped';
      // When the time of the lease is over, the watchdog may have done what this process could not.
      const { fenceAt } = this.keeper.facts;
      const isIsolated = fenceAt !== undefined && this.process.clock() >= fenceAt;
      const isAsked = (mode !== undefined || isIsolated) && cause !== 'fault';
      if (!isAsked || this.#isQuitting) this.#exit();
      else this.wake();
    });
  }

  // ---------------------------------------------------------------------------------------------- the loop

  wake(): void {
    this.#isCalled = true;
    if (this.#isWaking || this.#isOver) return;
    this.#isWaking = true;
    this.later(0.1, 3, () => this.#decide());
  }

  #decide(): void {
    if (this.#isOver) return;
    this.#isCalled = false;
    this.#timer += 1;
    this.#forgetWhatIsOld();
    const situation = this.#look();
    const decision = this.rules.decide(situation);
    this.#show(decision);
    this.keeper.intend(decision.lease);
    this.#watch(situation);
    if (decision.needsReadingOf !== undefined) this.view.requireNewerThan(decision.needsReadingOf);
    this.monitor.isHurried = decision.goal === 'claim' || decision.goal === 'lead';
    const goOn = () => {
      this.#isWaking = false;
      this.#act(decision);
      this.#sleep(decision.again);
      this.quorum.look();
      if (this.#isQuitting && !this.seesServer && this.running === undefined) this.#exit();
      else if (this.#isCalled) this.wake();
    };
    if (decision.step === undefined) goOn();
    else this.process.thenDo(goOn);
  }

  /** A primary that runs is guarded until its lease runs out. */
  #watch({ instance, lease }: Situation): void {
    const { watchdog } = this.instance;
    const isPrimary = instance.data === 'primary' && instance.server === 'up';
    if (isPrimary && lease.fenceAt !== undefined) watchdog.arm(lease.fenceAt);
    // Nobody knows what a server that was taken over has been told before: it may be on its way to become a primary.
    else if (!isPrimary && this.running === undefined && !this.#hasTakenOver) watchdog.disarm();
  }

  #sleep(again: number | undefined): void {
    if (again === undefined) return;
    const timer = this.#timer;
    this.process.afterOwn(Math.max(1, again - this.process.clock()), () => {
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
      this.note('calls off', running.name);
      running.isCalledOff = true;
      return;
    }
    if (step === undefined) return;
    if (isStop(step)) this.#stop(goal === 'quit' ? 'stop requested' : stopEvents[step]);
    else if (running === undefined) this.#carryOut(step);
  }

  #stop(event: StopEvent): void {
    if (event === this.#stopAsked || !this.seesServer) return;
    this.#stopAsked = event;
    this.note('stops the server', event);
    const { monitor, process, rules, instance } = this;
    monitor.observation.phase = 'stopping';
    monitor.observation.phaseSince = process.clock();
    this.#stopper ??= new Stopper(instance, process, rules, this.world.setup.smartSeconds);
    this.#stopper.push(event);
    this.world.promises.stopBegins(instance, event);
  }

  #carryOut(name: WorkStep): void {
    const running = { name, since: this.world.timetable.now, isCalledOff: false };
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
    steps[name](this, done, () => {
      if (running.isCalledOff) done('called off');
      return !running.isCalledOff;
    });
  }

  #noteFailure(name: WorkStep, text: string): void {
    this.note(`failed: ${name}`, text);
    if (fatal.has(name)) {
      this.#exit();
      return;
    }
    const isTransient = text === primaryIsAway;
    this.#failures = noteFailure(this.#failures, name, {
      at: this.process.clock(),
      text,
      isFinal: false,
      isTransient,
    });
  }

  /** What was found out, and what has failed, holds for one primary. */
  #forgetWhatIsOld(): void {
    const { currentPrimary = '', targetPrimary = '' } = this.view.latest ?? {};
    const roles = { currentPrimary, targetPrimary };
    const stillHolds = validityOf(this.#roles, roles, this.name);
    this.#roles = roles;
    if (!stillHolds.failures) this.#failures = {};
    if (!stillHolds.kinship) this.findings.kinship = undefined;
  }

  #look(): Situation {
    const cluster = this.view.latest;
    return {
      instance: this.facts(),
      cluster:
        cluster === undefined
          ? undefined
          : {
              currentPrimary: cluster.currentPrimary,
              targetPrimary: cluster.targetPrimary,
              isFenced: cluster.fenced.includes(this.name),
              readAt: this.view.readAt,
            },
      lease: this.keeper.facts,
      failures: this.#failures,
      running: this.running?.name,
      isQuitting: this.#isQuitting,
      adoptionGraceEnds: this.#adoptionGraceEnds,
      now: this.process.clock(),
    };
  }

  facts(): InstanceFacts {
    const { directory } = this.instance;
    const { kinship, isPromoting, trouble } = this.findings;
    const files = directory.isStandby && !isPromoting ? 'standby' : 'primary';
    const whole = directory.end === undefined ? 'empty' : files;
    return {
      name: this.name,
      data: directory.isTorn ? 'torn' : whole,
      server: this.seesServer ? 'up' : 'down',
      ...this.monitor.facts(),
      kinship: kinship ?? 'unknown',
      isAstray: trouble !== undefined && trouble !== 'removed',
      isStranded: trouble === 'removed',
      source: this.#follows() ? 'right' : 'wrong',
    };
  }

  #show(decision: Decision): void {
    const { state, goal, step, why, lease } = decision;
    const before = this.decision;
    this.decision = decision;
    if (before?.state !== state || before.goal !== goal || before.step !== step || before.why !== why) {
      this.note(`${state} x ${goal}:`, `${step ?? why} [lease: ${lease}]`);
    }
  }

  // ---------------------------------------------------------------------------------------------- for the steps

  startServer(): void {
    if (this.server !== undefined) return;
    if (this.instance.directory.isStandby) this.instance.watchdog.disarm();
    this.instance.startServer();
    this.seesServer = true;
    this.monitor.begin();
  }

  /** Before a server is made a primary: the watchdog first, then one more look at the clock, then the deed. */
  asPrimary(checksLease: boolean, begin: () => void, fail: (why: string) => void): void {
    const { fenceAt } = this.keeper.facts;
    if (fenceAt !== undefined && this.rules.guardsBeforeActing) this.instance.watchdog.arm(fenceAt);
    this.process.after(this.random.between(0, 3), () => {
      if (checksLease && !this.rules.isHeld({ lease: this.keeper.facts }, this.process.clock())) {
        this.instance.watchdog.disarm();
        fail('the time of the lease is over');
      } else this.process.thenDo(begin);
    });
  }

  #follows(): boolean {
    const current = this.view.latest?.currentPrimary ?? '';
    return current === '' || current === this.name || this.instance.directory.source === current;
  }

  settleReplication(): void {
    const current = this.view.latest?.currentPrimary ?? '';
    if (current !== '' && current !== this.name) this.instance.directory.source = current;
  }

  wantedNames(): SynchronousNames | undefined {
    return namesFor(this);
  }
}

function isStop(step: StepName): step is keyof typeof stopEvents {
  return step in stopEvents;
}
