import type { LeaseIntent } from '../../../src/alignment/decide.ts';
import type { LeaseFacts } from '../../../src/alignment/facts.ts';
import {
  freshLeaseMemory,
  type LeaseEvent,
  type LeaseMemory,
  type LeaseMove,
  type LeaseTimings,
  type SeenLease,
} from '../../../src/alignment/lease.ts';
import type { PromiseQuestion, VoucherFacts } from '../../../src/alignment/vouching.ts';
import type { Caller, LeaseObject, Store } from '../world/store.ts';
import type { Rules } from './rules.ts';
import type { Vouchers } from './vouchers.ts';

export interface KeeperOptions {
  readonly caller: Caller;
  readonly store: Store;
  readonly rules: Rules;
  readonly timings: LeaseTimings;
  /** The wall clock, in which renewals are written; nobody may judge by it. */
  readonly wallClock: () => number;
  readonly isHealthy: () => boolean;
  /** Undefined: this store cannot go on without others. */
  readonly vouchers: Vouchers | undefined;
  readonly onChange: () => void;
  /** A write of the lease has been taken by the store, now. */
  readonly onWritten: (kind: 'claim' | 'renew' | 'release') => void;
}

/** Asks the store of the lease what src/alignment/lease.ts says, one request at a time (as src/instance/lease-keeper.ts). */
export class LeaseKeeper {
  readonly #options: KeeperOptions;
  #memory: LeaseMemory = freshLeaseMemory;
  #record: LeaseObject | undefined;
  #intent: LeaseIntent = 'leave';
  #isBusy = false;
  #isWriting = false;
  #isAskingOthers = false;
  #timer = 0;
  #shown: LeaseFacts['standing'] = 'none';
  #shownFence: number | undefined;
  #onGone: (() => void) | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get facts(): LeaseFacts {
    return this.#options.rules.leaseFacts(this.#memory, this.#options.timings);
  }

  intend(intent: LeaseIntent): void {
    if (intent === this.#intent) return;
    this.#intent = intent;
    this.#work();
  }

  /** Another process has changed the lease: a candidate need not wait for its next look. */
  lookAgain(): void {
    if (this.#intent !== 'hold' || this.#memory.standing === 'held') return;
    this.#memory = { ...this.#memory, askedAt: Number.NEGATIVE_INFINITY };
    this.#work();
  }

  /** Gives it back, if it is ours; calls back when it is gone, or when the time for that is over. */
  leave(deadline: number, onGone: () => void): void {
    this.#onGone = onGone;
    this.#options.caller.process.afterOwn(deadline, () => this.#gone());
    this.intend('release');
    this.#goneIfReleased();
  }

  #goneIfReleased(): void {
    if (this.#memory.seen?.holder !== this.#options.caller.name) this.#gone();
  }

  #gone(): void {
    const onGone = this.#onGone;
    this.#onGone = undefined;
    onGone?.();
  }

  #work(): void {
    if (this.#isBusy) return;
    const { caller, rules, timings, isHealthy, wallClock } = this.#options;
    const now = caller.process.clock();
    const move = rules.nextLeaseMove(this.#memory, {
      me: caller.name,
      intent: this.#intent,
      isHealthy: isHealthy(),
      now,
      timings,
      wallClock: wallClock(),
    });
    this.#timer += 1;
    const timer = this.#timer;
    if (move.kind === 'rest') {
      if (!Number.isFinite(move.until)) return;
      caller.process.afterOwn(Math.max(1, move.until - now), () => {
        if (timer === this.#timer) this.#work();
      });
      return;
    }
    this.#isBusy = true;
    this.#ask(move.kind);
  }

  #ask(kind: Exclude<LeaseMove['kind'], 'rest'>): void {
    const { caller, store, timings, onWritten } = this.#options;
    const record = this.#record;
    if (kind === 'read' || record === undefined) {
      store.request(
        caller,
        timings.retryPeriod,
        () => store.lease,
        (lease) => {
          if (lease !== undefined) this.#record = lease;
          this.#answered(
            lease === undefined ? { kind: 'unreadable' } : { kind: 'read', seen: seenOf(lease) },
          );
        },
      );
      return;
    }
    if (kind === 'release') this.#note({ kind: 'releasing' });
    const sentAt = caller.process.clock();
    this.#isWriting = true;
    const changed = this.#changed(kind);
    store.request(
      caller,
      timings.retryPeriod,
      () => {
        const answer = store.writeLease(record.version, changed);
        if (answer !== 'conflict') onWritten(kind);
        return answer;
      },
      (answer) => {
        this.#isWriting = false;
        if (answer === undefined) this.#answered({ kind: 'unreadable' });
        else if (answer === 'conflict') this.#answered({ kind: 'conflict' });
        else {
          this.#record = answer;
          this.#answered({ kind: 'written', seen: seenOf(answer), sentAt });
        }
      },
    );
  }

  #changed(kind: 'claim' | 'renew' | 'release'): Omit<LeaseObject, 'version'> {
    const { caller, timings, wallClock, rules } = this.#options;
    const duration = rules.durationToWrite(this.#memory, timings, caller.process.clock());
    return {
      holder: kind === 'release' ? '' : caller.name,
      renewTime: String(wallClock()),
      duration: kind === 'release' ? 1_000 : duration,
    };
  }

  #answered(event: LeaseEvent): void {
    this.#isBusy = false;
    this.#note(event);
    if (event.kind === 'unreadable') this.#askOthers();
    this.#work();
    this.#goneIfReleased();
  }

  #askOthers(): void {
    const { vouchers, caller, isHealthy } = this.#options;
    if (vouchers === undefined || this.#isAskingOthers || this.facts.fenceAt === undefined) return;
    if (!isHealthy()) return;
    this.#isAskingOthers = true;
    const sentAt = caller.process.clock();
    vouchers.ask((areAllBound) => {
      this.#isAskingOthers = false;
      if (areAllBound) this.#note({ kind: 'vouched', sentAt });
    });
  }

  /** Whether this instance promises not to lead while the holder cannot reach the store. */
  promise(question: PromiseQuestion, cluster: Pick<VoucherFacts, 'roles' | 'isPrimary'>): boolean {
    const { caller, rules, timings } = this.#options;
    const facts = {
      ...question,
      ...cluster,
      me: caller.name,
      ownDuration: timings.duration,
      isWriting: this.#isWriting,
      now: caller.process.clock(),
    };
    const memory = rules.promiseTo(this.#memory, facts);
    if (typeof memory === 'string') return false;
    this.#memory = memory;
    return true;
  }

  #note(event: LeaseEvent): void {
    const { caller, rules, timings, onChange } = this.#options;
    this.#memory = rules.noteLease(this.#memory, event, {
      me: caller.name,
      now: caller.process.clock(),
      timings,
    });
    const { standing, fenceAt } = this.facts;
    if (standing === this.#shown && fenceAt === this.#shownFence) return;
    this.#shown = standing;
    this.#shownFence = fenceAt;
    onChange();
  }
}

function seenOf({ holder, renewTime, duration }: LeaseObject): SeenLease {
  return { holder, renewTime, promised: duration };
}
