import { Process } from '../engine/process.ts';
import { Commits } from './commits.ts';
import type { Connection } from './connection.ts';
import type { DataDirectory } from './data-directory.ts';
import { Hang } from './hang.ts';
import type { Instance } from './instance.ts';
import { hardness, type Signal } from './signal.ts';
import { positionOf, type WalEnd } from './wal.ts';
import { WalReceiver } from './wal-receiver.ts';
import type { World } from './world.ts';

/** Milliseconds after which all has come that a process was told while it was halted (engine/process.ts). */
const wakingUp = 25;

/** One postmaster with everything below it, from its start to its end. */
export class Server {
  readonly name: string;
  readonly directory: DataDirectory;
  readonly process: Process;
  readonly #instance: Instance;
  readonly #world: World;
  phase: 'starting' | 'running' | 'ended' = 'starting';
  role: 'primary' | 'standby';
  isPromoting = false;
  /** The postmaster hangs: sessions and walsenders go on, but nobody is let in and no signal but KILL has an effect. */
  #hang: Hang | undefined;
  /** The postmaster is gone, and sessions that compute have not noticed it. */
  isLeftBehind = false;
  /** The signal that it acts on. */
  stopping: Signal | undefined;
  /** Whether there are sessions that may write. */
  hasSessions = true;
  readonly senders: Connection[] = [];
  readonly commits: Commits;
  readonly #walReceiver: WalReceiver;
  #isFinishing = false;

  constructor(world: World, instance: Instance) {
    this.#world = world;
    this.#instance = instance;
    this.name = instance.name;
    this.directory = instance.directory;
    this.process = new Process(world.timetable, instance.clock, instance.random);
    this.process.begin();
    for (let halt = 0; halt < instance.halts; halt += 1) this.process.halt();
    const { directory } = this;
    this.role = directory.isStandby ? 'standby' : 'primary';
    this.commits = new Commits(world, instance, this);
    this.#walReceiver = new WalReceiver(world, instance, this);
    const recovery = directory.isShutDown ? this.#time(30, 150) : this.#time(100, 2_500);
    directory.isShutDown = false;
    this.process.after(recovery, () => this.#recovered());
  }

  /** Whether a client could commit at this moment. */
  get takesWrites(): boolean {
    return (
      this.role === 'primary' &&
      this.phase === 'running' &&
      this.hasSessions &&
      this.process.isRunning &&
      !this.#instance.isStorageStalled
    );
  }

  /** Whether a question over a session that is open gets an answer. */
  get isAnswering(): boolean {
    return this.phase === 'running' && this.process.isRunning && !this.#isFinishing && !this.isLeftBehind;
  }

  /** Whether somebody new is let in. */
  get letsIn(): boolean {
    return this.isAnswering && this.#hang === undefined && this.stopping === undefined;
  }

  /** Whether the postmaster tells those who come that it starts or stops. */
  get isRefusing(): boolean {
    const isBetween = this.phase === 'starting' || this.stopping !== undefined;
    return isBetween && this.phase !== 'ended' && this.process.isRunning && this.#hang === undefined;
  }

  #time(low: number, high: number): number {
    return this.#instance.random.between(low, high) * (this.#instance.isSlow ? 8 : 1);
  }

  #recovered(): void {
    if (this.#instance.isDiskFull) {
      this.end('crash');
      return;
    }
    this.phase = 'running';
    if (this.role === 'primary') {
      this.directory.checkpointTimeline = this.directory.end!.branch.timeline;
      this.#reign();
    } else {
      this.#walReceiver.connectLater(1);
    }
    this.#note(`server runs as a ${this.role}`, positionOf(this.directory.end));
    this.#instance.manager.serverNews();
  }

  #note(what: string, detail?: string): void {
    this.#world.trace.note(this.#world.timetable.now, this.name, what, detail);
  }

  #reign(): void {
    this.#world.ledger.reignBegins(this.#instance, this);
    this.commits.writeLater();
  }

  // ---------------------------------------------------------------------------------------------- writing

  ship(): void {
    for (const connection of this.senders) connection.pump();
  }

  /** A standby has told how far it is. */
  noteFlush(): void {
    this.commits.noteFlush();
    if (this.#isFinishing) this.#finishWhenSent();
  }

  /** The generated files have changed. */
  reload(): void {
    this.commits.synchronous = this.directory.synchronous;
    this.noteFlush();
  }

  // ---------------------------------------------------------------------------------------------- receiving

  get receiver(): Connection | undefined {
    return this.#walReceiver.connection;
  }

  reconnect(): void {
    this.receiver?.close();
    this.#walReceiver.connectLater(this.#time(5, 30));
  }

  receive(sent: WalEnd, newestTimeline: number): void {
    this.directory.end = sent;
    this.directory.newestTimeline = Math.max(this.directory.newestTimeline, newestTimeline);
    this.ship();
  }

  lose(connection: Connection): void {
    const index = this.senders.indexOf(connection);
    if (index >= 0) this.senders.splice(index, 1);
    this.#walReceiver.lose(connection);
    if (this.#isFinishing) this.#finishWhenSent();
  }

  // ---------------------------------------------------------------------------------------------- promotion

  /** pg_promote(): the receiver is ended, what has been received is replayed, and a new timeline begins. */
  promote(): void {
    if (this.role !== 'standby' || this.phase !== 'running' || this.stopping !== undefined) return;
    if (this.#hang?.holds('promotion') === true) return;
    this.isPromoting = true;
    this.#world.promises.promotionBegins(this.#instance);
    this.receiver?.close();
    this.process.after(this.#time(10, 300), () => {
      if (this.phase !== 'running' || this.stopping !== undefined) return;
      const { directory } = this;
      const end = directory.end!;
      const branch = this.#world.newBranch(end, directory.newestTimeline);
      directory.end = { branch, lsn: end.lsn + 1 };
      directory.newestTimeline = branch.timeline;
      directory.isStandby = false;
      this.commits.beginAfter(end.lsn + 1);
      this.role = 'primary';
      this.isPromoting = false;
      this.#note('is promoted', positionOf(this.directory.end));
      this.#reign();
      this.ship();
      // The checkpoint that PostgreSQL asks for by itself takes its time.
      this.process.after(this.#time(2_000, 60_000), () => this.#checkpointed());
      this.#instance.manager.serverNews();
    });
  }

  checkpoint(done: () => void): void {
    this.process.after(this.#time(10, 400), () => {
      this.#checkpointed();
      done();
    });
  }

  #checkpointed(): void {
    if (this.phase === 'running') this.directory.checkpointTimeline = this.directory.end!.branch.timeline;
  }

  // ---------------------------------------------------------------------------------------------- its end

  signal(signal: Signal): void {
    if (signal === 'kill') {
      const life = this.process.life;
      this.#world.timetable.after(this.#instance.random.between(1, 40), () => {
        if (this.process.life === life) this.end('crash');
      });
      return;
    }
    this.process.after(this.#instance.random.between(0.1, 5), () => this.#take(signal));
  }

  #take(signal: Signal): void {
    if (this.isLeftBehind) return;
    if (this.#hang?.holds(signal) === true) return;
    if (this.stopping !== undefined && hardness[signal] <= hardness[this.stopping]) return;
    this.stopping = signal;
    switch (signal) {
      case 'smart':
        this.process.after(this.#time(500, 6_000), () => this.#endSessions());
        break;
      case 'fast':
        this.process.after(this.#time(2, 60), () => this.#endSessions());
        break;
      default:
        this.process.after(this.#instance.random.between(5, 150), () => this.end('crash'));
    }
  }

  hang(): void {
    this.#hang ??= new Hang();
  }

  goOn(): void {
    if (this.process.isHalted) {
      // What it was told while it was frozen as well comes first.
      const { life } = this.process;
      this.process.deliver(life, () => this.process.after(wakingUp, () => this.goOn()));
      return;
    }
    const next = this.#hang?.next;
    this.#hang = undefined;
    if (next === 'promotion') this.promote();
    else if (next !== undefined) this.#take(next);
  }

  /** The postmaster alone is killed. What waits for something ends with it, but sessions that compute go on, and commit. */
  losePostmaster(): void {
    if (this.role === 'standby' || this.phase !== 'running' || this.stopping !== undefined) {
      this.end('crash');
      return;
    }
    this.isLeftBehind = true;
    for (const sender of [...this.senders]) sender.sourceEnded(true);
    this.#note('postmaster has ended, sessions go on');
    this.process.after(this.#instance.random.between(1_000, 30_000), () => this.end('crash'));
    this.#instance.watchdog.postmasterEnded();
    this.#instance.manager.postmasterEnded();
  }

  #endSessions(): void {
    if (this.phase === 'ended' || !this.hasSessions) return;
    this.hasSessions = false;
    this.receiver?.close();
    this.process.after(this.#time(10, 800), () => this.#checkpointOfShutdown());
  }

  /** The last record; then everybody who streams gets all of it before the postmaster ends. */
  #checkpointOfShutdown(): void {
    if (this.phase === 'starting') {
      this.end('crash');
      return;
    }
    const { directory } = this;
    if (this.role === 'primary') {
      directory.end = { branch: directory.end!.branch, lsn: directory.end!.lsn + 1 };
      directory.checkpointTimeline = directory.end.branch.timeline;
      this.ship();
    }
    this.#isFinishing = true;
    this.#finishWhenSent();
  }

  #finishWhenSent(): void {
    const { lsn } = this.directory.end!;
    if (this.phase === 'ended') return;
    if (this.role === 'primary' && this.senders.some((sender) => sender.flushed < lsn)) return;
    this.end('shut down');
  }

  /** @param hasSaidSo false when its whole machine is gone: nobody tells the others */
  end(how: 'shut down' | 'crash', hasSaidSo = true): void {
    if (this.phase === 'ended') return;
    this.phase = 'ended';
    this.process.kill();
    this.directory.isShutDown = how === 'shut down';
    this.#instance.server = undefined;
    const { receiver } = this;
    receiver?.close();
    for (const sender of [...this.senders]) sender.sourceEnded(hasSaidSo);
    this.#note(`server has ended: ${how}`, positionOf(this.directory.end));
    this.#instance.watchdog.disarm();
    this.#instance.manager.serverEnded();
  }
}
