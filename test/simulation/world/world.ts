import { Random } from '../engine/random.ts';
import { Timetable } from '../engine/timetable.ts';
import { Trace } from '../engine/trace.ts';
import { Manager } from '../manager/manager.ts';
import type { Rules } from '../manager/rules.ts';
import { Ledger } from '../promises/ledger.ts';
import { Promises } from '../promises/promises.ts';
import type { Schedule, Setup } from '../schedule/schedule.ts';
import { Instance } from './instance.ts';
import { Kubelet } from './kubelet.ts';
import { Network } from './network.ts';
import { Operator } from './operator.ts';
import { Person } from './person.ts';
import type { Server } from './server.ts';
import { Store } from './store.ts';
import { type Branch, type WalEnd, walEnd } from './wal.ts';

/** A promise is broken. */
export class BrokenPromise extends Error {
  readonly promise: string;

  constructor(promise: string, what: string) {
    super(`${promise}: ${what}`);
    this.promise = promise;
  }
}

/** Everything there is, on one clock. */
export class World {
  readonly timetable = new Timetable();
  readonly network = new Network();
  readonly trace: Trace;
  readonly rules: Rules;
  readonly setup: Setup;
  readonly store: Store;
  readonly instances: readonly Instance[];
  readonly operator: Operator;
  readonly person: Person;
  readonly kubelet: Kubelet;
  readonly ledger = new Ledger(this);
  readonly promises = new Promises(this);
  /** Milliseconds between two writes of all clients of a primary. */
  readonly writePause = [150, 900] as const;
  /** Everything that slows the network between the instances at the moment. */
  readonly slowness = new Set<{ readonly delay: number }>();
  readonly #random: Random;
  readonly #wallOffsets = new Map<string, number>();
  #branches = 0;
  #newestTimeline = 1;

  constructor(schedule: Schedule, rules: Rules, onTrace?: (line: string) => void) {
    const { seed, setup } = schedule;
    this.rules = rules;
    this.setup = setup;
    this.trace = new Trace(onTrace);
    this.#random = new Random(seed, 'world');
    const first = setup.isNew ? '' : 'c-1';
    this.store = new Store(this, {
      version: 1,
      currentPrimary: first,
      targetPrimary: 'c-1',
      fenced: [],
      healthy: [],
    });
    this.instances = Array.from({ length: setup.instances }, (_, index) => {
      const name = `c-${index + 1}`;
      const clock = {
        offset: Math.round(this.#random.between(0, 1_000_000)),
        pace: this.#random.between(0.98, 1.02),
      };
      this.#wallOffsets.set(name, Math.round(this.#random.between(-40_000, 40_000)));
      return new Instance(this, name, clock, new Random(seed, name));
    });
    for (const instance of this.instances) instance.manager = new Manager(this, instance);
    this.network.onChange((one, other, isOpen) => this.#linkChanged(one, other, isOpen));
    this.operator = new Operator(this, new Random(seed, 'operator'));
    this.person = new Person(this, new Random(seed, 'person'));
    this.kubelet = new Kubelet(this, setup.readinessThreshold);
    if (!setup.isNew) this.#furnish();
    for (const instance of this.instances) instance.boot();
  }

  get synchronous(): Setup['synchronous'] {
    return this.setup.synchronous;
  }

  /** Everybody has the same data, and nobody runs yet. */
  #furnish(): void {
    const branch = this.newSystem();
    this.ledger.announced({ branch, lsn: 0 });
    for (const [index, { directory }] of this.instances.entries()) {
      directory.end = walEnd(branch, 100);
      directory.isStandby = index > 0;
      directory.source = index > 0 ? 'c-1' : '';
    }
  }

  fail(promise: string, what: string): never {
    throw new BrokenPromise(promise, what);
  }

  newSystem(): Branch {
    this.#branches += 1;
    return { id: this.#branches, system: this.#branches, timeline: 1, parent: undefined, forkedAt: 0 };
  }

  /** @param newest the highest timeline of which the promoted instance has the history file */
  newBranch({ branch, lsn }: WalEnd, newest: number): Branch {
    this.#branches += 1;
    const timeline = 1 + (this.rules.sharesHistoryFiles ? Math.max(newest, this.#newestTimeline) : newest);
    this.#newestTimeline = Math.max(timeline, this.#newestTimeline);
    return { id: this.#branches, system: branch.system, timeline, parent: branch, forkedAt: lsn };
  }

  initialised(instance: Instance): void {
    this.promises.overwrites(instance, 'initdb');
    Object.assign(instance.directory, {
      end: walEnd(this.newSystem(), 10),
      isStandby: false,
      isShutDown: true,
    });
    this.trace.note(this.timetable.now, instance.name, 'initdb is complete');
  }

  serverOf(name: string): Server | undefined {
    return this.instances.find((instance) => instance.name === name)?.server;
  }

  /** Milliseconds that something takes from one instance to another. */
  latency(): number {
    let worst = 12;
    for (const { delay } of this.slowness) worst = Math.max(worst, delay);
    return this.#random.between(1, worst);
  }

  /** What a machine's clock on the wall shows: nobody has set them alike. */
  wallClock(name: string): number {
    return Math.round(this.timetable.now + (this.#wallOffsets.get(name) ?? 0));
  }

  restartLater(instance: Instance): void {
    this.timetable.after(instance.random.between(500, 5_000), () => instance.restart());
  }

  /** The primary keeps only its newest WAL; standbys that have all of it do not notice. */
  removeWal(): void {
    for (const { server } of this.instances) {
      if (server?.role === 'primary') server.directory.removedUpTo = server.directory.end!.lsn - 1;
    }
  }

  suspectConnections(name: string): void {
    for (const { server } of this.instances) {
      const receiver = server?.receiver;
      if (receiver !== undefined && (receiver.source.name === name || receiver.standby.name === name))
        receiver.suspect();
    }
  }

  recoverConnections(name: string): void {
    for (const { server } of this.instances) {
      const receiver = server?.receiver;
      if (receiver !== undefined && (receiver.source.name === name || receiver.standby.name === name))
        receiver.recover();
    }
  }

  #linkChanged(one: string, other: string, isOpen: boolean): void {
    for (const { server } of this.instances) {
      const receiver = server?.receiver;
      if (receiver === undefined) continue;
      const ends = [receiver.source.name, receiver.standby.name];
      if (!ends.includes(one) || !ends.includes(other)) continue;
      if (isOpen) receiver.recover();
      else receiver.suspect();
    }
  }
}
