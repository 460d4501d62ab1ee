import { receiverPatience } from '../../../src/alignment/state.ts';
import type { StopEvent } from '../../../src/alignment/stop-plan.ts';
import type { Instance } from '../world/instance.ts';
import type { Server } from '../world/server.ts';
import type { World } from '../world/world.ts';

/**
 * Milliseconds of true time after a renewal has reached the store, or a promise was given, in which nobody else can have claimed
 * the lease: its duration by the fastest clock there is.
 */
const sureOfLease = (duration: number) => duration / 1.02;
/**
 * A whole machine that was halted and goes on does not know yet that time has passed: its sessions may write until its
 * watchdog has looked at the clock and the server has ended.
 */
const wakingUp = 1_500;
/** No step takes longer than this in this world, unless it goes on for ever. */
const longestStep = 120_000;
/** A primary that has read that another instance is wanted begins to stop within this time, whatever ails its server. */
const demotionBegins = 2_000;

/** What must hold after every event. src/alignment/GUARANTEES.md has the same in words. */
export class Promises {
  readonly #world: World;
  /** Until when nobody else can have claimed the lease, by the last claim or renewal of each instance. */
  readonly #renewedUntil = new Map<string, number>();
  /** The same by the last promise of each instance to each other one: `giver holder`. */
  readonly #promisedUntil = new Map<string, number>();
  /** Servers whose reign has been announced, with an answer. */
  readonly #announced = new WeakSet<Server>();
  /** How often the lease had changed hands when an announcement was begun. */
  readonly #handsAt = new Map<string, number>();
  #hands = 0;
  /** Since when each primary has known that it is not wanted. */
  readonly #unwantedSince = new Map<Server, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** After every event. */
  check(): void {
    const { instances, timetable } = this.#world;
    const { now } = timetable;
    let writer: Instance | undefined;
    let holder: Instance | undefined;
    for (const instance of instances) {
      const { manager, server } = instance;
      if (manager.process.isAlive && this.holdsLease(instance)) {
        if (holder !== undefined)
          this.#fail('two holders', `${holder.name} and ${instance.name} hold the lease`);
        holder = instance;
      }
      if (server?.takesWrites && !this.isWakingUp(instance.name)) {
        if (writer !== undefined)
          this.#fail('two writers', `${writer.name} and ${instance.name} take writes`);
        writer = instance;
        this.#checkTime(instance);
      }
      if (
        manager.aligner.running !== undefined &&
        manager.process.isRunning &&
        now - manager.aligner.running.since > longestStep
      ) {
        this.#fail('endless step', `${instance.name}: ${manager.aligner.running.name}`);
      }
      this.#checkDemotion(instance, now);
    }
    if (writer !== undefined && holder !== undefined && writer !== holder) {
      this.#fail(
        'writes under the lease of another',
        `${writer.name} takes writes, ${holder.name} holds the lease`,
      );
    }
  }

  /** Its machine stood still until a moment ago. */
  isWakingUp(name: string): boolean {
    const { instances, timetable } = this.#world;
    return instances.some(
      (instance) => instance.name === name && timetable.now - instance.wokeAt <= wakingUp,
    );
  }

  /** By its own knowledge and clock. */
  holdsLease({ manager }: Pick<Instance, 'manager'>): boolean {
    const { fenceAt, standing } = manager.keeper.facts;
    return standing !== 'lost' && fenceAt !== undefined && manager.process.clock() < fenceAt;
  }

  /** Whatever its manager knows, or whether there is one: nobody else can have claimed the lease yet. */
  isSureOfLease({ name }: Pick<Instance, 'name'>): boolean {
    const isYetToCome = (until = Number.NEGATIVE_INFINITY) => this.#world.timetable.now <= until;
    const others = this.#world.instances.filter((other) => other.name !== name);
    return (
      isYetToCome(this.#renewedUntil.get(name)) ||
      others.every((other) => isYetToCome(this.#promisedUntil.get(`${other.name} ${name}`)))
    );
  }

  promised(giver: string, holder: string, duration: number): void {
    this.#promisedUntil.set(`${giver} ${holder}`, this.#world.timetable.now + sureOfLease(duration));
  }

  #checkTime(instance: Instance): void {
    if (this.isSureOfLease(instance)) return;
    this.#fail('writes without a lease', `${instance.name} takes writes, its last renewal is too long ago`);
  }

  /** A manager that runs and knows that another instance is wanted must have begun the stop. */
  #checkDemotion({ name, manager, server }: Instance, now: number): void {
    if (server === undefined || server.role !== 'primary') return;
    const target = manager.view.latest?.targetPrimary;
    const { isRunning, resumedAt } = manager.process;
    if (target === undefined || target === name || manager.aligner.isStopping || !isRunning) {
      if (this.#unwantedSince.size > 0) this.#unwantedSince.delete(server);
      return;
    }
    const since = Math.max(resumedAt, this.#unwantedSince.get(server) ?? now);
    this.#unwantedSince.set(server, since);
    if (now - since > demotionBegins) {
      this.#fail(
        'demotion not begun',
        `${name} has known for ${now - since} ms that the target is ${target}`,
      );
    }
  }

  /** Nobody is demoted on the word of a Cluster that is older than one that was seen, or written, here. */
  stopBegins({ name, server, manager }: Instance, why: StopEvent): void {
    if (server === undefined) return;
    this.#unwantedSince.delete(server);
    const newest = manager.view.newest;
    const isWanted = newest?.targetPrimary === name && !newest.fenced.includes(name);
    if (why === 'hand over' && server.role === 'primary' && isWanted) {
      this.#fail('demoted by an old word', `${name} stops, but the newest Cluster that it knows wants it`);
    }
  }

  leaseWritten(instance: Instance, kind: 'claim' | 'renew' | 'release'): void {
    const { name, server, directory } = instance;
    if (kind === 'release') {
      const isHarmless =
        server === undefined || (server.role === 'standby' && !server.isPromoting && directory.isStandby);
      if (!isHarmless)
        this.#fail('lease released too early', `${name} gives the lease back while its server runs`);
      this.#renewedUntil.delete(name);
      return;
    }
    if (kind === 'claim') this.#hands += 1;
    this.#renewedUntil.set(name, this.#world.timetable.now + sureOfLease(this.#world.store.lease.duration));
  }

  serverStarts({ name, directory, manager }: Instance): void {
    if (directory.isTorn || directory.isMixed) this.#fail('torn directory started', name);
    // One that was halted right before the deed is the watchdog's business.
    const isOnTime = manager.process.resumedAt !== this.#world.timetable.now;
    if (!directory.isStandby && isOnTime && !this.holdsLease({ manager })) {
      this.#fail('primary started without the lease', name);
    }
  }

  promotionBegins(instance: Instance): void {
    const { manager, server, name } = instance;
    const isOnTime = manager.process.resumedAt !== this.#world.timetable.now;
    if (isOnTime && !this.holdsLease(instance)) this.#fail('promotion without the lease', name);
    const receiver = server?.receiver;
    if (receiver?.onItsWay === undefined || !this.#world.network.isOpen(name, receiver.source.name)) return;
    const { heldSince } = manager.keeper.facts;
    if (heldSince !== undefined && manager.process.clock() - heldSince >= receiverPatience) return;
    this.#fail('WAL thrown away', `${name} is promoted while WAL of ${receiver.source.name} arrives`);
  }

  announcing(instance: Instance): void {
    const { name, server } = instance;
    const serves = server !== undefined && server.role === 'primary' && server.phase === 'running';
    if (!serves) this.#fail('announced without a primary', name);
    if (!this.holdsLease(instance)) this.#fail('announced without the lease', name);
    if (server !== undefined && this.#announced.has(server))
      this.#fail('announced twice', `${name}: clients are dropped again`);
    this.#handsAt.set(name, this.#hands);
  }

  /** The store has taken the announcement, maybe long after it was sent. */
  announced({ name, directory }: Instance): void {
    if (directory.end !== undefined) this.#world.ledger.announced(directory.end);
    const { lease } = this.#world.store;
    if (lease.holder !== name && this.#handsAt.get(name) !== this.#hands) {
      this.#fail('announced under the lease of another', `${name}, while ${lease.holder} holds it`);
    }
  }

  announceEnded(server: Server): void {
    this.#announced.add(server);
  }

  overwrites(instance: Instance, how: string): void {
    this.#world.ledger.overwrites(instance, how);
  }

  #fail(promise: string, what: string): void {
    this.#world.fail(promise, what);
  }
}
