import type { InstanceFacts } from '../../../src/alignment/facts.ts';
import type { LeaseTimings } from '../../../src/alignment/lease.ts';
import type { PromiseQuestion } from '../../../src/alignment/vouching.ts';
import { Process } from '../engine/process.ts';
import { leaseTimesOf } from '../schedule/schedule.ts';
import type { SynchronousNames } from '../world/data-directory.ts';
import type { Instance } from '../world/instance.ts';
import type { Server } from '../world/server.ts';
import type { Caller } from '../world/store.ts';
import type { ReceiverTrouble } from '../world/wal-receiver.ts';
import type { World } from '../world/world.ts';
import { Aligner } from './aligner.ts';
import { ClusterView } from './cluster-view.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { lookAtInstance } from './look.ts';
import { Monitor } from './monitor.ts';
import { namesFor, QuorumKeeper } from './quorum-keeper.ts';
import type { Rules } from './rules.ts';
import { Vouchers } from './vouchers.ts';

/** Milliseconds in which the lease must be given back at the end of the process. */
const releasePatience = 3_000;

export interface Findings {
  kinship: InstanceFacts['kinship'] | undefined;
  isPromoting: boolean;
  /** Why its standby cannot go on; undefined: it has not said so. */
  trouble: ReceiverTrouble | undefined;
}

/** The first process of a container, with all that its loop (aligner.ts) works with; everything it knows is lost when it dies. */
export class Manager implements Caller {
  readonly name: string;
  readonly instance: Instance;
  readonly world: World;
  readonly rules: Rules;
  readonly process: Process;
  readonly random: Instance['random'];
  /** Those of the Cluster when the process was started. */
  timings!: LeaseTimings;
  view!: ClusterView;
  keeper!: LeaseKeeper;
  monitor!: Monitor;
  quorum!: QuorumKeeper;
  readonly aligner: Aligner;
  findings: Findings = { kinship: undefined, isPromoting: false, trouble: undefined };
  /** Whether it has a server, as far as it knows. */
  seesServer = false;
  /** The server is one that an earlier manager has started. */
  hasTakenOver = false;

  constructor(world: World, instance: Instance) {
    this.world = world;
    this.instance = instance;
    this.rules = world.rules;
    this.name = instance.name;
    this.random = instance.random;
    this.process = new Process(world.timetable, instance.clock, instance.random);
    this.aligner = new Aligner(this, () => this.#exit());
    world.store.watch(this, (kind) => {
      if (kind === 'cluster') this.view.refresh();
      else this.keeper.lookAgain();
    });
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
    this.timings = leaseTimesOf(world.setup, this.random);
    this.findings = { kinship: undefined, isPromoting: false, trouble: undefined };
    this.aligner.begin();
    this.monitor = new Monitor(this.instance, process, () => this.wake());
    this.keeper = new LeaseKeeper({
      caller: this,
      store: world.store,
      rules,
      timings: this.timings,
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
    this.hasTakenOver = false;
    if (this.seesServer) {
      this.hasTakenOver = rules.keepsGuardOnTakeover;
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
    if (!this.process.isAlive || this.aligner.isOver) return;
    const { life } = this.process;
    this.process.deliver(life, () => {
      this.note('is asked to end');
      this.aligner.quit();
    });
  }

  #exit(): void {
    if (this.aligner.isOver) return;
    this.aligner.isOver = true;
    this.keeper.leave(releasePatience, () => {
      this.note('manager ends');
      this.instance.die(true);
      this.world.restartLater(this.instance);
    });
  }

  // ---------------------------------------------------------------------------------------------- what it hears

  /** Another instance asks for a promise; see src/alignment/vouching.ts. */
  promise(question: PromiseQuestion): boolean {
    if (this.aligner.isOver) return false;
    const isPrimary = lookAtInstance(this).data === 'primary';
    return this.keeper.promise(question, { roles: this.view.latest, isPrimary });
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
      if (this.seesServer && this.server === undefined) this.#noteEnd();
    });
  }

  #noteEnd(): void {
    this.seesServer = false;
    this.hasTakenOver = false;
    this.aligner.serverEnded();
  }

  /** It is as good as the server until the sessions have ended as well. */
  postmasterEnded(): void {
    this.later(1, 10, () => {
      if (!this.seesServer || this.server?.isLeftBehind !== true) return;
      if (this.rules.killsWhatIsLeft) this.server.signal('kill');
      else this.#noteEnd();
    });
  }

  wake(): void {
    this.aligner.wake();
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

  settleReplication(): void {
    const current = this.view.latest?.currentPrimary ?? '';
    if (current !== '' && current !== this.name) this.instance.directory.source = current;
  }

  wantedNames(): SynchronousNames | undefined {
    return namesFor(this);
  }
}
