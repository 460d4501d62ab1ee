import type { Cluster } from '../../cluster/cluster.ts';
import type { Chronicle } from './chronicle.ts';
import type { Acknowledgement } from './gaps.ts';
import type { ManagerLine } from './manager-line.ts';
import { storyOf } from './steps.ts';
import { duration } from './text.ts';
import type { Doing } from './view.ts';

/** Milliseconds without a row that are worth a word: a machine under load makes shorter ones by itself. */
const notableGap = 250;

/** Decides what of all that is seen is told, and in which words. */
export class News {
  readonly #chronicle: Chronicle;
  readonly #clock: () => number;
  readonly #doings = new Map<string, Doing>();
  /** Steps that were told since the last order: what is tried again and again is told once. */
  readonly #told = new Set<string>();
  #seen = { primary: '', target: '', phase: '' };
  #chosenAt = 0;

  constructor(chronicle: Chronicle, clock: () => number) {
    this.#chronicle = chronicle;
    this.#clock = clock;
  }

  /** What an instance does at present. */
  doing(name: string): Doing | undefined {
    return this.#doings.get(name);
  }

  orderGiven(): void {
    this.#told.clear();
  }

  line(name: string, { text, alignment, isTrouble }: ManagerLine): void {
    if (alignment === undefined) {
      this.#chronicle.detail(name, text);
      return;
    }
    const before = this.#doings.get(name);
    this.#doings.set(name, { ...alignment, text, isTrouble });
    if (before?.text === text) return;
    const story = storyOf(alignment.step);
    const told = `${name} ${story}`;
    if (story === undefined || this.#told.has(told)) {
      this.#chronicle.detail(name, `${text}  [${alignment.state}, goal: ${alignment.goal}]`);
    } else {
      this.#chronicle.note(name, `${text}: ${story}`);
    }
    this.#told.add(told);
  }

  /** @param how undefined: nobody needs to be told */
  ended(name: string, how: string | undefined): void {
    this.#doings.delete(name);
    if (how !== undefined) this.#chronicle.note(name, `its manager has ended: ${how}`);
  }

  cluster({ status = {} }: Cluster): void {
    const { currentPrimary: primary = '', targetPrimary: target = '', phase = '' } = status;
    const before = this.#seen;
    this.#seen = { primary, target, phase };
    if (target !== before.target) {
      this.#chosenAt = this.#clock();
      this.#chronicle.detail('cluster', `the target is ${target || 'nobody'}`);
    }
    if (primary !== before.primary) {
      const took = duration(this.#clock() - this.#chosenAt);
      this.#chronicle.note('cluster', `${primary} is the primary, ${took} after it was chosen`);
    }
    if (phase !== before.phase) this.#chronicle.detail('cluster', phase);
  }

  lease(holder: string, before: string): void {
    this.#chronicle.note('lease', holder === '' ? `${before} has given it back` : `${holder} has it`);
  }

  row({ by, gap, before }: Acknowledgement): void {
    if (gap === undefined) {
      this.#chronicle.note('writer', `first row acknowledged by ${by}`);
    } else if (before !== by) {
      const took = duration(gap);
      this.#chronicle.note('writer', `first row acknowledged by ${by}, ${took} after the last by ${before}`);
    } else if (gap >= notableGap) {
      this.#chronicle.note('writer', `${by} acknowledges rows again, ${duration(gap)} after the last one`);
    }
  }
}
