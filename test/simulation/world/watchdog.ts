import { Process } from '../engine/process.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

/**
 * The tiny process beside a primary that outlives a manager which is killed or halted: when the time of the lease that it
 * was told last is over, it stops the server at once.
 */
export class Watchdog {
  readonly process: Process;
  readonly #world: World;
  readonly #instance: Instance;
  #fenceAt: number | undefined;
  /** The time is over, and no new one has been told. */
  #isOver = false;
  #order = 0;

  constructor(world: World, instance: Instance) {
    this.#world = world;
    this.#instance = instance;
    this.process = new Process(world.timetable, instance.clock, instance.random);
  }

  /** Before a server may become a primary, and at every renewal of the lease. */
  arm(fenceAt: number): void {
    if (!this.#world.rules.hasWatchdog || !this.process.isAlive) return;
    // One timer is enough: when it comes too early, it is set again. It must not come too late for a process with other times.
    const isLater = this.#fenceAt !== undefined && fenceAt >= this.#fenceAt;
    this.#fenceAt = fenceAt;
    this.#isOver = false;
    if (!isLater) this.#wait();
  }

  /** The server has ended, or is a standby. */
  disarm(): void {
    this.#fenceAt = undefined;
    this.#isOver = false;
    this.#order += 1;
  }

  /** A server that is started when the time is over already was meant to be started before: it is stopped as well. */
  serverStarted(): void {
    if (this.#isOver) this.#bark();
  }

  /** What it has left behind nobody else may be able to end. */
  postmasterEnded(): void {
    const isGuarded = this.#fenceAt !== undefined || this.#isOver;
    if (!isGuarded || !this.#world.rules.killsWhatIsLeft) return;
    this.process.after(this.#instance.random.between(50, 1_100), () => {
      if (this.#instance.server?.isLeftBehind === true) this.#instance.server.signal('kill');
    });
  }

  #wait(): void {
    this.#order += 1;
    const order = this.#order;
    this.process.afterOwn(this.#fenceAt! - this.process.clock(), () => {
      if (order !== this.#order || this.#fenceAt === undefined) return;
      if (this.process.clock() < this.#fenceAt) this.#wait();
      else this.#bark();
    });
  }

  #bark(): void {
    const { server } = this.#instance;
    const fenceAt = this.#fenceAt ?? Number.NEGATIVE_INFINITY;
    this.#fenceAt = undefined;
    this.#isOver = true;
    if (server === undefined) return;
    this.#world.trace.note(
      this.#world.timetable.now,
      this.#instance.name,
      'watchdog stops the server at once',
    );
    const kill = () => server.signal('kill');
    const patience = this.#world.rules.isolationPatience - (this.process.clock() - fenceAt);
    if (patience <= 0) kill();
    else {
      server.signal('immediate');
      this.process.afterOwn(patience, kill);
    }
  }
}
