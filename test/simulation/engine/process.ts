import type { Random } from './random.ts';
import type { Timetable } from './timetable.ts';

/** The clock of one machine: it never goes back, but has its own zero and its own pace. */
export interface MachineClock {
  readonly offset: number;
  readonly pace: number;
}

/**
 * One process of an operating system. It can be killed, after which nothing of what it still meant to do happens, and
 * halted (SIGSTOP), after which it goes on exactly where it was: everything that became due meanwhile happens then.
 */
export class Process {
  readonly #timetable: Timetable;
  readonly #clock: MachineClock;
  readonly #random: Random;
  /** Counts the lives of this process: what an earlier one meant to do is not done by a later one. */
  #life = 0;
  #isAlive = false;
  #halts = 0;
  #due: Array<() => void> = [];
  /** What it was in the middle of when it was halted: that comes first. */
  #unfinished: (() => void) | undefined;
  #isToHalt = false;

  constructor(timetable: Timetable, clock: MachineClock, random: Random) {
    this.#timetable = timetable;
    this.#clock = clock;
    this.#random = random;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isHalted(): boolean {
    return this.#halts > 0;
  }

  /** Whether it does anything at this moment. */
  get isRunning(): boolean {
    return this.#isAlive && this.#halts === 0;
  }

  /** True time at which it went on after it was halted. */
  resumedAt = Number.NEGATIVE_INFINITY;

  get life(): number {
    return this.#life;
  }

  /** The reading of its machine's clock. */
  clock(): number {
    return this.#clock.offset + this.#clock.pace * this.#timetable.now;
  }

  begin(): void {
    this.kill();
    this.#isAlive = true;
  }

  kill(): void {
    this.#life += 1;
    this.#isAlive = false;
    this.#halts = 0;
    this.#due = [];
    this.#unfinished = undefined;
    this.#isToHalt = false;
  }

  halt(): void {
    this.#halts += 1;
  }

  /** Halts it in the worst moment: between a decision and the deed (see `thenDo`). Until then it runs. */
  haltInTheMiddle(): void {
    this.#isToHalt = true;
  }

  /** The deed that follows a decision, with nothing in between but, maybe, a halt. */
  thenDo(run: () => void): void {
    if (!this.#isToHalt) {
      run();
      return;
    }
    this.#isToHalt = false;
    this.#unfinished = run;
    this.halt();
  }

  /** Goes on when nothing halts it any more; what was due comes in any order, as timers and sockets may. */
  resume(): void {
    this.#isToHalt = false;
    if (this.#halts === 0) return;
    this.#halts -= 1;
    if (this.#halts > 0) return;
    this.resumedAt = this.#timetable.now;
    const due = this.#due;
    this.#due = [];
    const life = this.#life;
    const unfinished = this.#unfinished;
    this.#unfinished = undefined;
    unfinished?.();
    for (const run of due) {
      this.#timetable.after(this.#random.between(0, 20), () => this.deliver(life, run));
    }
  }

  /** True milliseconds from now, if this life still lasts then. */
  after(delay: number, run: () => void): void {
    const life = this.#life;
    this.#timetable.after(delay, () => this.deliver(life, run));
  }

  /** Milliseconds of its own clock from now. */
  afterOwn(delay: number, run: () => void): void {
    this.after(Math.max(0, delay) / this.#clock.pace, run);
  }

  /** Hands something in from outside: now, when it goes on again, or never. */
  deliver(life: number, run: () => void): void {
    if (life !== this.#life || !this.#isAlive) return;
    if (this.#halts > 0) this.#due.push(run);
    else run();
  }
}
