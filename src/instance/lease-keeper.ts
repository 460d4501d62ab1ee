import type { LeaseIntent } from '../alignment/decide.ts';
import type { LeaseFacts } from '../alignment/facts.ts';
import {
  durationToWrite,
  eagerFor,
  freshLeaseMemory,
  type LeaseEvent,
  type LeaseMemory,
  type LeaseMove,
  type LeaseSituation,
  leaseFacts,
  nextLeaseMove,
  noteLease,
  type Promised,
  type SeenLease,
} from '../alignment/lease.ts';
import { type PromiseQuestion, promiseTo, type VoucherFacts } from '../alignment/vouching.ts';
import type { LeaseTimes } from '../cluster/defaults.ts';
import type { LeaseRecord, LeaseStore } from '../cluster/source.ts';
import { messageOf } from '../errors/manager-error.ts';
import { pauseAskedBy } from '../kubernetes/api-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import { now, pause } from './deadline.ts';
import type { LeaseHolding } from './lease-holding.ts';

export interface LeaseKeeperOptions {
  readonly me: string;
  readonly store: LeaseStore;
  readonly timings: LeaseTimes;
  /** Milliseconds of a clock that goes on while the machine sleeps. */
  readonly clock: () => number;
  readonly isHealthy: () => boolean;
  /** Asks all others for their promise (src/alignment/vouching.ts); undefined where the store cannot go without them. */
  readonly askOthers?: ((duration: number, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** What this process has promised before there was a keeper. */
  readonly promised?: Promised | undefined;
  /** Called when what `facts` says has changed: more than the time, or only that. */
  readonly onChange: (isStanding: boolean) => void;
  readonly log: Logger;
}

/** What a promise depends on besides the lease. */
export type PromiseContext = Pick<VoucherFacts, 'roles' | 'isPrimary'>;

/**
 * Asks the store of the lease what src/alignment/lease.ts says, one request at a time. Until something is intended it asks
 * nothing: a standby never touches the lease.
 */
export class LeaseKeeper implements LeaseHolding {
  readonly #options: LeaseKeeperOptions;
  readonly #stopped = new AbortController();
  #memory: LeaseMemory;
  #record: LeaseRecord | undefined;
  #intent: LeaseIntent = 'leave';
  #timer: NodeJS.Timeout | undefined;
  /** Until when a release is expected. */
  #eagerUntil = Number.NEGATIVE_INFINITY;
  #isBusy = false;
  #isWriting = false;
  #isAskingOthers = false;
  #isTroubled = false;
  /** Milliseconds by which the store wants to be asked later than after the usual period, when it has not answered. */
  #delay = 0;
  /** The lease has changed since the present request was begun: its answer may be older than that. */
  #hasChanged = false;
  #shown = '';
  readonly #unwatch: () => void;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#memory = { ...freshLeaseMemory, promise: options.promised };
    this.#unwatch = options.store.watch(() => this.#lookAgain());
  }

  get facts(): LeaseFacts {
    return leaseFacts(this.#memory, this.#options.timings);
  }

  /** Who held it when it was last seen; for people. */
  get holder(): string | undefined {
    return this.#memory.seen?.holder;
  }

  intend(intent: LeaseIntent): void {
    if (intent === this.#intent) return;
    this.#intent = intent;
    this.#wake();
  }

  expectRelease(): void {
    this.#eagerUntil = this.#options.clock() + eagerFor;
    this.#wake();
  }

  /** Gives the lease back, if it is ours, and asks nothing more. Never rejects. */
  async leave(deadline: number): Promise<void> {
    this.intend('release');
    const end = now() + deadline;
    while (this.#memory.seen?.holder === this.#options.me && now() < end) await pause(2);
    this.#stopped.abort();
    clearTimeout(this.#timer);
    this.#unwatch();
  }

  #situation(): LeaseSituation {
    const { me, isHealthy, clock, timings } = this.#options;
    const now = clock();
    const isAboutToBeFree = now < this.#eagerUntil;
    return { me, intent: this.#intent, isHealthy: isHealthy(), isAboutToBeFree, now, timings };
  }

  /**
   * Another process has changed the lease, or it can be reached again: neither a candidate nor whoever does not know where it
   * stands need wait for its next look.
   */
  #lookAgain(): void {
    this.#hasChanged = this.#isBusy;
    const { standing } = this.#memory;
    const isAwaited = standing === 'unknown' || (this.#intent === 'hold' && standing !== 'held');
    if (this.#isBusy || !isAwaited) return;
    this.#memory = { ...this.#memory, askedAt: Number.NEGATIVE_INFINITY };
    this.#wake();
  }

  #wake(): void {
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isBusy = true;
    while (!this.#stopped.signal.aborted) {
      const move = nextLeaseMove(this.#memory, this.#situation());
      if (move.kind === 'rest') {
        this.#sleepUntil(move.until);
        break;
      }
      this.#hasChanged = false;
      const event = await this.#ask(move.kind);
      this.#note(event);
      if (event.kind === 'unreadable') {
        this.#memory = { ...this.#memory, askedAt: this.#memory.askedAt + this.#delay };
        void this.#askOthers();
      } else this.#isTroubled = false;
    }
    this.#isBusy = false;
    if (this.#hasChanged) this.#lookAgain();
  }

  /** Nobody waits for it: the store may be back before the last of them has answered. */
  async #askOthers(): Promise<void> {
    const { askOthers, clock, timings, isHealthy, log } = this.#options;
    if (askOthers === undefined || this.#isAskingOthers || this.facts.fenceAt === undefined) return;
    // Whoever would not renew must not be kept, either.
    if (!isHealthy()) return;
    this.#isAskingOthers = true;
    const sentAt = clock();
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timings.retryPeriod)]);
    try {
      if (await askOthers(timings.duration, signal)) this.#note({ kind: 'vouched', sentAt });
    } catch (error) {
      log.error({ error }, 'the others could not be asked for their promise');
    } finally {
      this.#isAskingOthers = false;
    }
  }

  /**
   * Promises not to lead while the holder cannot reach the store.
   *
   * @param cluster what the Cluster said last
   * @returns why not, when the promise is not given
   */
  promise(question: PromiseQuestion, cluster: PromiseContext): string | undefined {
    const { me, clock, timings } = this.#options;
    const own = { me, isWriting: this.#isWriting, now: clock(), ownDuration: timings.duration };
    const memory = promiseTo(this.#memory, { ...question, ...cluster, ...own });
    if (typeof memory === 'string') return memory;
    this.#memory = memory;
    return undefined;
  }

  #sleepUntil(until: number): void {
    if (!Number.isFinite(until)) return;
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, until - this.#options.clock()));
  }

  async #ask(kind: Exclude<LeaseMove['kind'], 'rest'>): Promise<LeaseEvent> {
    const { store, clock, timings } = this.#options;
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timings.retryPeriod)]);
    try {
      if (kind === 'read' || this.#record === undefined) {
        this.#record = (await store.read(signal)) ?? (await store.remake?.(signal));
        return { kind: 'read', seen: seenOf(this.#record) };
      }
      if (kind === 'release') this.#note({ kind: 'releasing' });
      const sentAt = clock();
      this.#isWriting = true;
      const answer = await store.write(this.#changed(kind, this.#record), signal).finally(() => {
        this.#isWriting = false;
      });
      if (answer === 'conflict') return { kind: 'conflict' };
      this.#record = answer;
      return { kind: 'written', seen: seenOf(answer)!, sentAt };
    } catch (error) {
      this.#complain(messageOf(error), kind);
      // As long as the store asks for, but not so long that a holder could not ask again within its deadline.
      const pauseAsked = Math.min(pauseAskedBy(error), timings.renewDeadline / 2);
      this.#delay = Math.max(0, pauseAsked - timings.retryPeriod);
      return { kind: 'unreadable' };
    }
  }

  /** Once until it can be reached again. */
  #complain(error: string, request: string): void {
    if (!this.#isTroubled) this.#options.log.warn({ error, request }, 'the lease cannot be reached');
    this.#isTroubled = true;
  }

  /** What is to be written; only the fields of the lease change (contract 03, 3.8). */
  #changed(kind: 'claim' | 'renew' | 'release', record: LeaseRecord): LeaseRecord {
    const { me, timings, clock } = this.#options;
    const time = microTime();
    const durationSeconds = durationToWrite(this.#memory, timings, clock()) / 1000;
    switch (kind) {
      case 'renew':
        return { ...record, durationSeconds, renewTime: time };
      case 'claim':
        return {
          ...record,
          holder: me,
          durationSeconds,
          acquireTime: time,
          renewTime: time,
          transitions: record.transitions + 1,
        };
      case 'release':
        return {
          ...record,
          holder: '',
          durationSeconds: timings.releasedDuration / 1000,
          acquireTime: time,
          renewTime: time,
        };
    }
  }

  #note(event: LeaseEvent): void {
    const { me, clock, timings, onChange, log } = this.#options;
    const before = this.facts.standing;
    this.#memory = noteLease(this.#memory, event, { me, now: clock(), timings });
    const { standing } = this.facts;
    if (standing !== before) log.info({ standing, before, holder: this.holder }, `the lease is ${standing}`);
    const shown = JSON.stringify([standing, this.facts.fenceAt, this.holder]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    onChange(standing !== before);
  }
}

function seenOf(record: LeaseRecord | undefined): SeenLease | undefined {
  if (record === undefined) return undefined;
  const { holder, renewTime, durationSeconds } = record;
  return { holder, renewTime, promised: durationSeconds * 1000 };
}

/** RFC 3339 with microseconds, as Kubernetes' MicroTime. */
function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
