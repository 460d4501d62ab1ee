import type { MachineClock, Process } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import type { Manager } from '../manager/manager.ts';
import { type DataDirectory, emptyDirectory } from './data-directory.ts';
import { Server } from './server.ts';
import { Watchdog } from './watchdog.ts';
import type { World } from './world.ts';

/** One machine with its data directory, its server, its manager, and the watchdog beside them. */
export class Instance {
  readonly name: string;
  readonly clock: MachineClock;
  readonly random: Random;
  directory: DataDirectory = emptyDirectory();
  server: Server | undefined;
  manager!: Manager;
  readonly watchdog: Watchdog;
  /** How many things halt the whole machine. */
  halts = 0;
  isDiskFull = false;
  isSlow = false;
  isStorageStalled = false;
  /** True time at which the machine went on after it was halted. */
  wokeAt = Number.NEGATIVE_INFINITY;
  readonly #world: World;
  #isToBoot = false;

  constructor(world: World, name: string, clock: MachineClock, random: Random) {
    this.#world = world;
    this.name = name;
    this.clock = clock;
    this.random = random;
    this.watchdog = new Watchdog(world, this);
  }

  startServer(): void {
    if (this.server !== undefined) throw new Error(`${this.name} starts a second server`);
    this.#world.promises.serverStarts(this);
    this.server = new Server(this.#world, this);
    this.watchdog.serverStarted();
  }

  /** The container comes back, unless it is there; on a machine that stands still, when that goes on. */
  restart(): void {
    if (this.manager.process.isAlive) return;
    if (this.halts > 0) this.#isToBoot = true;
    else this.boot();
  }

  /** The container starts: its first process is the manager, which finds the data directory and maybe a server. */
  boot(): void {
    if (!this.watchdog.process.isAlive) this.watchdog.process.begin();
    // The lock on its directory is not free.
    if (this.server?.isLeftBehind === true) {
      this.#world.restartLater(this);
      return;
    }
    this.manager.boot();
  }

  /** Everything in the container dies at once; a lost machine tells nobody. */
  die(hasSaidSo: boolean): void {
    this.manager.die();
    this.watchdog.disarm();
    this.watchdog.process.kill();
    this.server?.end('crash', hasSaidSo);
  }

  #processes(): Process[] {
    const all = [this.manager.process, this.watchdog.process];
    return this.server === undefined ? all : [...all, this.server.process];
  }

  halt(): void {
    this.halts += 1;
    for (const process of this.#processes()) process.halt();
    this.#world.suspectConnections(this.name);
  }

  goOn(): void {
    this.halts -= 1;
    if (this.halts === 0) this.wokeAt = this.#world.timetable.now;
    for (const process of this.#processes()) process.resume();
    this.#world.recoverConnections(this.name);
    if (this.manager.process.isAlive) this.manager.serverNews();
    if (this.halts === 0 && this.#isToBoot) {
      this.#isToBoot = false;
      this.boot();
    }
  }
}
