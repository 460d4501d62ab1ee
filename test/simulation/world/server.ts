import { Process } from '../engine/process.ts';
import { Connection } from './connection.ts';
import type { DataDirectory, SynchronousNames } from './data-directory.ts';
import type { Instance } from './instance.ts';
import { commonEnd, timelineHistory, type WalEnd, walEnd } from './wal.ts';
import type { World } from './world.ts';

/** What the postmaster is told by a signal (manual page of postgres), and what nobody can refuse. */
export type Signal = 'smart' | 'fast' | 'immediate' | 'kill';

const hardness: Record<Signal, number> = { smart: 0, fast: 1, immediate: 2, kill: 3 };

/** Why a walreceiver cannot go on (its message in the log of the standby). */
export type ReceiverTrouble = 'forked' | 'removed' | 'foreign';

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
  isHung = false;
  /** The signal that it acts on. */
  stopping: Signal | undefined;
  /** Whether there are sessions that may write. */
  hasSessions = true;
  receiver: Connection | undefined;
  readonly senders: Connection[] = [];
  /** What it says of why it does not receive; the log has it. */
  trouble: ReceiverTrouble | undefined;
  #isFinishing = false;
  /** What it was told while it hung. */
  #pending: Signal | undefined;
  #isPromotionPending = false;
  #attempt = 0;
  /** `synchronous_standby_names` as this server has read it. */
  synchronous: SynchronousNames | undefined;
  /** Commits that wait for a standby begin after this record. */
  #acknowledged: number;

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
    this.synchronous = directory.synchronous;
    this.#acknowledged = directory.end!.lsn;
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
    return this.phase === 'running' && this.process.isRunning && !this.#isFinishing;
  }

  /** Whether somebody new is let in. */
  get letsIn(): boolean {
    return this.isAnswering && !this.isHung && this.stopping === undefined;
  }

  /** Whether the postmaster tells those who come that it starts or stops. */
  get isRefusing(): boolean {
    const isBetween = this.phase === 'starting' || this.stopping !== undefined;
    return isBetween && this.phase !== 'ended' && this.process.isRunning && !this.isHung;
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
      this.#connectLater(1);
    }
    this.#world.trace.note(
      this.#world.timetable.now,
      this.name,
      `server runs as a ${this.role}`,
      this.position,
    );
    this.#instance.manager.serverNews();
  }

  get position(): string {
    const { end } = this.directory;
    return end === undefined ? 'empty' : `${end.branch.timeline}/${end.lsn} (branch ${end.branch.id})`;
  }

  #reign(): void {
    this.#world.ledger.reignBegins(this.#instance, this);
    this.#writeLater();
  }

  // ---------------------------------------------------------------------------------------------- writing

  #writeLater(): void {
    this.process.after(this.#instance.random.between(...this.#world.writePause), () => {
      if (this.role !== 'primary' || this.phase !== 'running' || !this.hasSessions) return;
      if (this.takesWrites) this.#write();
      this.#writeLater();
    });
  }

  #write(): void {
    const { directory } = this;
    const end = directory.end!;
    // Clients that wait for their commits do not send more.
    if (this.synchronous !== undefined && end.lsn - this.#acknowledged > 40) return;
    directory.end = { branch: end.branch, lsn: end.lsn + 1 };
    if (this.synchronous === undefined) this.#acknowledge(end.lsn + 1, false);
    this.#ship();
  }

  #ship(): void {
    for (const connection of this.senders) connection.pump();
  }

  /** A standby has told how far it is: commits that waited for it are acknowledged. */
  noteFlush(): void {
    const reached = this.hasSessions && this.role === 'primary' ? this.reachedSynchronously() : undefined;
    if (reached !== undefined && reached > this.#acknowledged) {
      this.#acknowledge(Math.min(reached, this.directory.end!.lsn), true);
    }
    if (this.#isFinishing) this.#finishWhenSent();
  }

  /** Up to where enough synchronous standbys have the WAL; undefined: there are not enough, or none are waited for. */
  reachedSynchronously(): number | undefined {
    if (this.synchronous === undefined) return undefined;
    const { names, number, method } = this.synchronous;
    const connected = this.senders.filter((sender) => names.includes(sender.standby.name));
    if (connected.length < number) return undefined;
    if (method === 'first') {
      connected.sort((one, other) => names.indexOf(one.standby.name) - names.indexOf(other.standby.name));
      return Math.min(...connected.slice(0, number).map((sender) => sender.flushed));
    }
    const flushed = connected.map((sender) => sender.flushed).sort((one, other) => other - one);
    return flushed[number - 1];
  }

  #acknowledge(lsn: number, isSynchronous: boolean): void {
    this.#acknowledged = lsn;
    this.#world.ledger.acknowledge(this, isSynchronous, walEnd(this.directory.end!.branch, lsn));
  }

  /** The generated files have changed. */
  reload(): void {
    this.synchronous = this.directory.synchronous;
    this.noteFlush();
  }

  // ---------------------------------------------------------------------------------------------- receiving

  /** The walreceiver tries again, at once after a change of primary_conninfo, else after a pause; the last wish counts. */
  #connectLater(delay: number): void {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.process.after(delay, () => {
      if (attempt === this.#attempt) this.#connect();
    });
  }

  reconnect(): void {
    this.receiver?.close();
    this.#connectLater(this.#time(5, 30));
  }

  #connect(): void {
    if (this.role !== 'standby' || this.phase !== 'running' || this.receiver !== undefined) return;
    if (this.isPromoting || this.stopping !== undefined) return;
    const source = this.#world.serverOf(this.directory.source);
    if (source === undefined || source === this || !this.#isReachable(source)) {
      this.#retry();
      return;
    }
    const trouble = this.#troubleWith(source);
    if (trouble !== undefined) {
      this.trouble = trouble;
      this.#instance.manager.receiverRefused(trouble);
      this.#retry();
      return;
    }
    const connection = new Connection(this.#world, source, this);
    this.trouble = undefined;
    this.receiver = connection;
    source.senders.push(connection);
    this.#world.trace.note(
      this.#world.timetable.now,
      this.name,
      `receives from ${source.name}`,
      this.position,
    );
    connection.recover();
    this.#instance.manager.serverNews();
  }

  #retry(): void {
    this.#connectLater(this.#instance.random.between(1_000, 5_000));
  }

  #isReachable(source: Server): boolean {
    return source.letsIn && this.#world.network.isOpen(this.name, source.name);
  }

  /** What the walsender says to a start of replication; it goes by the numbers of timelines only. */
  #troubleWith(source: Server): ReceiverTrouble | undefined {
    const own = this.directory.end!;
    const other = source.directory.end!;
    if (own.branch.system !== other.branch.system) return 'foreign';
    const { timeline } = own.branch;
    if (timeline === other.branch.timeline) {
      if (own.lsn > other.lsn) return 'forked';
    } else {
      const left = timelineHistory(other.branch).find((entry) => entry.timeline === timeline);
      if (left === undefined || own.lsn > left.end) return 'forked';
    }
    if (own.lsn < source.directory.removedUpTo) return 'removed';
    if (commonEnd(own, other) < own.lsn) {
      this.#world.fail(
        'mixed WAL',
        `${this.name} streams from ${source.name} by timeline ${timeline}, but forked before`,
      );
    }
    return undefined;
  }

  receive(sent: WalEnd, newestTimeline: number): void {
    this.directory.end = sent;
    this.directory.newestTimeline = Math.max(this.directory.newestTimeline, newestTimeline);
    this.#ship();
  }

  lose(connection: Connection): void {
    const index = this.senders.indexOf(connection);
    if (index >= 0) this.senders.splice(index, 1);
    if (this.receiver === connection) {
      this.receiver = undefined;
      if (this.phase === 'running') {
        this.#retry();
        this.#instance.manager.serverNews();
      }
    }
    if (this.#isFinishing) this.#finishWhenSent();
  }

  // ---------------------------------------------------------------------------------------------- promotion

  /** pg_promote(): the receiver is ended, what has been received is replayed, and a new timeline begins. */
  promote(): void {
    if (this.role !== 'standby' || this.phase !== 'running' || this.stopping !== undefined) return;
    if (this.isHung) {
      this.#isPromotionPending = true;
      return;
    }
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
      this.#acknowledged = end.lsn + 1;
      this.role = 'primary';
      this.isPromoting = false;
      this.#world.trace.note(this.#world.timetable.now, this.name, 'is promoted', this.position);
      this.#reign();
      this.#ship();
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
    if (this.isHung) {
      if (this.#pending === undefined || hardness[signal] > hardness[this.#pending]) this.#pending = signal;
      return;
    }
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

  unhang(): void {
    this.isHung = false;
    if (this.#pending !== undefined) this.#take(this.#pending);
    else if (this.#isPromotionPending) this.promote();
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
      this.#ship();
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
    this.#world.trace.note(this.#world.timetable.now, this.name, `server has ended: ${how}`, this.position);
    this.#instance.watchdog.disarm();
    this.#instance.manager.serverEnded();
  }
}
