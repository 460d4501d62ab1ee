import type { LeaseIntent } from './decide.ts';
import type { LeaseFacts } from './facts.ts';

/** Milliseconds; spec.primaryLease, with the defaults of contract 03, 3.8. */
export interface LeaseTimings {
  /** A candidate takes a lease that nobody has renewed for this long, by the candidate's own clock. */
  readonly duration: number;
  /** A holder that has not renewed for this long stops its server. */
  readonly renewDeadline: number;
  /** Between two renewals, and between two looks of a candidate. */
  readonly retryPeriod: number;
}

/**
 * duration > renewDeadline > retryPeriod. What lies between the first two is the time for the immediate stop; what lies
 * between the last two is room for four renewals that fail.
 */
export const defaultLeaseTimings: LeaseTimings = {
  duration: 15_000,
  renewDeadline: 10_000,
  retryPeriod: 2_000,
};

/** What the store shows of the lease; the two texts are compared for equality only, never as times. */
export interface SeenLease {
  /** Empty: free. */
  readonly holder: string;
  readonly renewTime: string;
  /** Milliseconds that the holder has promised to stop within; 0: nothing promised. */
  readonly promised: number;
}

/** What the keeper of the lease remembers. Times are readings of this process's clock. */
export interface LeaseMemory {
  readonly seen: SeenLease | undefined;
  /** When `seen` was first seen like this. */
  readonly seenAt: number;
  /** Just before the request that made or renewed the lease was sent: the holder's time runs from there. */
  readonly renewedAt: number | undefined;
  readonly heldSince: number | undefined;
  readonly standing: LeaseFacts['standing'];
  /** When the store was last asked, whatever came of it. */
  readonly askedAt: number;
  /** Just before all others were asked, of whom each has promised then not to lead; see vouching.ts. */
  readonly vouchedAt?: number | undefined;
  /** What an earlier process of this instance has left, when this one found the lease in its name; see `durationToWrite`. */
  readonly inherited?: { readonly duration: number; readonly until: number } | undefined;
  /** The promise that this instance gave last, to a holder that could not reach the store. */
  readonly promise?: Promised | undefined;
}

/** This instance does not become the holder of the lease for a while. */
export interface Promised {
  readonly holder: string;
  /** Reading of this process's clock. */
  readonly until: number;
  /** That of the holder's lease when it was first read after the promise; undefined: not read since. */
  readonly renewTime?: string | undefined;
}

export const freshLeaseMemory: LeaseMemory = {
  seen: undefined,
  seenAt: Number.NEGATIVE_INFINITY,
  renewedAt: undefined,
  heldSince: undefined,
  standing: 'none',
  askedAt: Number.NEGATIVE_INFINITY,
};

/** What came back from the store. */
export type LeaseEvent =
  | { readonly kind: 'read'; readonly seen: SeenLease | undefined }
  /** Our write was taken; `sentAt` is the clock just before it was sent. */
  | { readonly kind: 'written'; readonly seen: SeenLease; readonly sentAt: number }
  /** A release is about to be sent: from here on the lease may be anybody's, whether the answer comes or not. */
  | { readonly kind: 'releasing' }
  /** The store cannot be reached, and every other instance has promised not to lead; `sentAt`: just before they were asked. */
  | { readonly kind: 'vouched'; readonly sentAt: number }
  /** Somebody else wrote first. */
  | { readonly kind: 'conflict' }
  /** No answer, or one that says nothing about the lease. */
  | { readonly kind: 'unreadable' };

/** What is to be asked of the store next. */
export type LeaseMove =
  | { readonly kind: 'rest'; readonly until: number }
  | { readonly kind: 'read' }
  /** Each is a write conditioned on what was read last. */
  | { readonly kind: 'claim' | 'renew' | 'release' };

export interface LeaseSituation {
  readonly me: string;
  readonly intent: LeaseIntent;
  /** Whether the server, and this process, are in a condition in which somebody should go on relying on them. */
  readonly isHealthy: boolean;
  /** The holder's server has ended a moment ago: the lease will be free before long. */
  readonly isAboutToBeFree?: boolean;
  readonly now: number;
  readonly timings: LeaseTimings;
}

/** Milliseconds between two looks of a candidate at a lease that is about to be free, and how long it is so eager. */
export const eagerPeriod = 50;
export const eagerFor = 2_000;

/**
 * The next move. A claim is made on a free lease at once, on another's only when it has not changed for its whole time by
 * our own clock (contract 03, 3.8). A holder that is not healthy does not renew: then its time runs out, it stops its
 * server, and another one may begin.
 */
export function nextLeaseMove(memory: LeaseMemory, situation: LeaseSituation): LeaseMove {
  const { me, intent, isHealthy, now, timings } = situation;
  const { seen } = memory;
  const due = memory.askedAt + timings.retryPeriod;
  if (intent === 'leave') return { kind: 'rest', until: Number.POSITIVE_INFINITY };
  if (intent === 'release') {
    if (seen?.holder !== me) return { kind: 'rest', until: Number.POSITIVE_INFINITY };
    // After a conflict, or without an answer, it may be somebody else's by now.
    if (memory.standing !== 'unknown') return { kind: 'release' };
    return now < due ? { kind: 'rest', until: due } : { kind: 'read' };
  }
  const bound = memory.promise?.until ?? Number.NEGATIVE_INFINITY;
  if (memory.renewedAt === undefined && now < bound) return { kind: 'rest', until: bound };
  const isFresh = memory.standing !== 'unknown' && memory.askedAt > Number.NEGATIVE_INFINITY;
  if (seen === undefined || !isFresh) return now < due ? { kind: 'rest', until: due } : { kind: 'read' };
  if (!isHealthy) return { kind: 'rest', until: now + timings.retryPeriod };
  if (seen.holder === me) {
    const wasRenewed = memory.renewedAt !== undefined;
    return wasRenewed && now < due ? { kind: 'rest', until: due } : { kind: 'renew' };
  }
  if (seen.holder === '' || now >= expiry(memory, timings)) return { kind: 'claim' };
  const next = situation.isAboutToBeFree === true ? memory.askedAt + eagerPeriod : due;
  return now < next ? { kind: 'rest', until: Math.min(next, expiry(memory, timings)) } : { kind: 'read' };
}

/** What is remembered after an answer of the store. */
export function noteLease(
  memory: LeaseMemory,
  event: LeaseEvent,
  { me, now, timings }: Pick<LeaseSituation, 'me' | 'now' | 'timings'>,
): LeaseMemory {
  const asked = { ...memory, askedAt: now };
  switch (event.kind) {
    case 'unreadable':
      return { ...asked, standing: memory.standing === 'lost' ? 'lost' : 'unknown' };
    case 'releasing':
      return { ...memory, ...notHeld, standing: 'none' };
    case 'vouched':
      return isUnbroken(memory, timings, now) ? { ...memory, vouchedAt: event.sentAt } : memory;
    case 'conflict':
      // Who wrote is told by the next read; until then nothing is claimed on the strength of the old one.
      return { ...asked, standing: 'unknown', askedAt: Number.NEGATIVE_INFINITY };
    case 'written':
      return written(asked, event, me, timings);
    case 'read':
      return read(asked, event.seen, me, now);
  }
}

/**
 * For how long a claim or renewal says that the lease lasts, in milliseconds. An earlier process of this instance may have had
 * longer times, and its watchdog counts on them as long as it has heard of no others. This process may end before it has told
 * it: until those times are over by themselves, nobody else may count on less.
 */
export function durationToWrite({ inherited }: LeaseMemory, { duration }: LeaseTimings, now: number): number {
  return inherited !== undefined && now < inherited.until ? Math.max(duration, inherited.duration) : duration;
}

/** What the decisions get to see. */
export function leaseFacts(memory: LeaseMemory, timings: LeaseTimings): LeaseFacts {
  const { standing, heldSince } = memory;
  return { standing, heldSince, fenceAt: endOfTime(memory, timings) };
}

/** When the time of the holder is over; undefined: it is none. */
function endOfTime(
  { renewedAt, vouchedAt }: LeaseMemory,
  { renewDeadline }: LeaseTimings,
): number | undefined {
  return renewedAt === undefined ? undefined : Math.max(renewedAt, vouchedAt ?? renewedAt) + renewDeadline;
}

/** A time that is over does not begin again by a promise: the server has been stopped, and others may have begun. */
function isUnbroken(memory: LeaseMemory, timings: LeaseTimings, now: number): boolean {
  const end = endOfTime(memory, timings);
  return end !== undefined && memory.standing !== 'lost' && now < end;
}

/** Our own time and that which the holder has promised: the longer one. */
function expiry({ seen, seenAt }: LeaseMemory, timings: LeaseTimings): number {
  return seenAt + Math.max(timings.duration, seen?.promised ?? 0);
}

const notHeld = { renewedAt: undefined, heldSince: undefined, vouchedAt: undefined } as const;

function written(
  memory: LeaseMemory,
  { seen, sentAt }: Extract<LeaseEvent, { kind: 'written' }>,
  me: string,
  timings: LeaseTimings,
): LeaseMemory {
  const now = memory.askedAt;
  if (seen.holder !== me) return { ...memory, ...notHeld, standing: 'none', seen, seenAt: now };
  return {
    seen,
    seenAt: now,
    renewedAt: sentAt,
    heldSince: isUnbroken(memory, timings, now) ? memory.heldSince : now,
    standing: 'held',
    askedAt: sentAt,
    vouchedAt: undefined,
    inherited: memory.inherited,
    promise: memory.promise,
  };
}

function read(memory: LeaseMemory, seen: SeenLease | undefined, me: string, now: number): LeaseMemory {
  const isSame = seen?.holder === memory.seen?.holder && seen?.renewTime === memory.seen?.renewTime;
  const next = { ...memory, seen, seenAt: isSame ? memory.seenAt : now, promise: promiseAfter(memory, seen) };
  const wasOurs = memory.renewedAt !== undefined;
  if (seen?.holder === me && !wasOurs && memory.inherited === undefined) {
    return { ...next, standing: 'none', inherited: { duration: seen.promised, until: now + seen.promised } };
  }
  // Missing or free is as good as ours: nobody else leads, and the time that we hold it for goes on until it is over.
  const isOthers = seen !== undefined && seen.holder !== '' && seen.holder !== me;
  if (!isOthers) return { ...next, standing: wasOurs ? 'held' : 'none' };
  return { ...next, ...notHeld, standing: wasOurs || memory.standing === 'lost' ? 'lost' : 'none' };
}

/**
 * A holder that has renewed the lease since needs no promise any more. Only two looks after the promise tell that: what was
 * seen before it may have changed before it, too.
 */
function promiseAfter({ promise }: LeaseMemory, seen: SeenLease | undefined): Promised | undefined {
  if (promise === undefined || seen?.holder !== promise.holder) return promise;
  if (promise.renewTime === undefined) return { ...promise, renewTime: seen.renewTime };
  return promise.renewTime === seen.renewTime ? promise : undefined;
}
