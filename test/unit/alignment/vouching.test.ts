import { describe, expect, test } from 'vitest';
import {
  freshLeaseMemory,
  type LeaseEvent,
  type LeaseMemory,
  leaseFacts,
  nextLeaseMove,
  noteLease,
  defaultLeaseTimings as timings,
} from '../../../src/alignment/lease.ts';
import { longestPromise, promiseTo, type VoucherFacts, votersOf } from '../../../src/alignment/vouching.ts';

const facts = (change: Partial<VoucherFacts> = {}): VoucherFacts => ({
  me: 'c-2',
  holder: 'c-1',
  giver: 'c-2',
  duration: 15_000,
  roles: { currentPrimary: 'c-1', targetPrimary: 'c-1' },
  isWriting: false,
  isPrimary: false,
  now: 1_000,
  ...change,
});
const bound = (memory: LeaseMemory, change: Partial<VoucherFacts> = {}): LeaseMemory => {
  const promised = promiseTo(memory, facts(change));
  if (typeof promised === 'string') throw new Error(promised);
  return promised;
};
const noteAs = (me: string) => (memory: LeaseMemory, event: LeaseEvent, now: number) =>
  noteLease(memory, event, { me, now, timings });
const seen = (holder: string, renewTime = 'a') => ({ holder, renewTime, promised: 15_000 });

describe('the holder', () => {
  const note = noteAs('c-1');
  const held = note(freshLeaseMemory, { kind: 'written', seen: seen('c-1'), sentAt: 0 }, 5);

  test('goes on for as long as all others have promised, counted from before they were asked', () => {
    const away = note(held, { kind: 'unreadable' }, 2_000);
    const kept = note(away, { kind: 'vouched', sentAt: 2_001 }, 2_300);
    expect(leaseFacts(kept, timings)).toEqual({ standing: 'unknown', heldSince: 5, fenceAt: 12_001 });
  });

  test('does not begin again when its time is over', () => {
    const late = note(held, { kind: 'vouched', sentAt: 9_500 }, 10_000);
    expect(leaseFacts(late, timings).fenceAt).toBe(10_000);
  });

  test('does not go on when the lease is somebody else’s', () => {
    const lost = note(held, { kind: 'read', seen: seen('c-2') }, 3_000);
    const kept = note(lost, { kind: 'vouched', sentAt: 3_000 }, 3_100);
    expect(leaseFacts(kept, timings)).toMatchObject({ standing: 'lost', fenceAt: undefined });
  });

  test('has held the lease without a break when the store is back', () => {
    const kept = note(held, { kind: 'vouched', sentAt: 9_000 }, 9_100);
    const again = note(kept, { kind: 'written', seen: seen('c-1', 'b'), sentAt: 15_000 }, 15_010);
    expect(leaseFacts(again, timings)).toEqual({ standing: 'held', heldSince: 5, fenceAt: 25_000 });
  });
});

describe('whoever has promised', () => {
  const note = noteAs('c-2');
  const move = (memory: LeaseMemory, now: number) =>
    nextLeaseMove(memory, { me: 'c-2', intent: 'hold', isHealthy: true, now, timings });
  const watched = note(freshLeaseMemory, { kind: 'read', seen: seen('c-1') }, 0);

  test('does not take a lease that it has watched for its whole time', () => {
    expect(move(watched, 15_000)).toEqual({ kind: 'claim' });
    const promised = bound(watched, { now: 14_000 });
    expect(move(promised, 15_000)).toEqual({ kind: 'rest', until: 29_000 });
    expect(move(promised, 29_000)).toEqual({ kind: 'claim' });
  });

  test('nor one that is free, or that a claim of its own reached late', () => {
    const promised = bound(freshLeaseMemory);
    for (const holder of ['', 'c-2']) {
      const found = note(promised, { kind: 'read', seen: seen(holder) }, 1_500);
      expect(move(found, 1_500)).toEqual({ kind: 'rest', until: 16_000 });
    }
  });

  test('is bound for as long as the holder counts on, by its own times, and as the lease says', () => {
    const untilOf = (memory: LeaseMemory) => memory.promise?.until;
    expect(untilOf(bound(watched, { now: 0, duration: 60_000, ownDuration: 15_000 }))).toBe(60_000);
    expect(untilOf(bound(watched, { now: 0, duration: 5_000, ownDuration: 20_000 }))).toBe(20_000);
    expect(untilOf(bound(watched, { now: 0, duration: 5_000, ownDuration: 10_000 }))).toBe(15_000);
  });

  test('does not take the lease while a holder with longer times may lead (audit 3)', () => {
    const times = { duration: 60_000, renewDeadline: 40_000, retryPeriod: 2_000 };
    const lease = { ...seen('c-1'), promised: 60_000 };
    const noted = (memory: LeaseMemory, event: LeaseEvent, now: number) =>
      noteLease(memory, event, { me: 'c-1', now, timings: times });
    let holder = noted(freshLeaseMemory, { kind: 'written', seen: lease, sentAt: 0 }, 0);
    let other = note(freshLeaseMemory, { kind: 'read', seen: lease }, 0);
    for (let now = 10_000; now <= 50_000; now += 2_000) {
      other = bound(other, { now, duration: times.duration, ownDuration: timings.duration });
      holder = noted(holder, { kind: 'vouched', sentAt: now }, now);
    }
    expect(leaseFacts(holder, times).fenceAt).toBe(90_000);
    expect(move(other, 90_000)).toEqual({ kind: 'rest', until: 110_000 });
  });

  test('keeps a longer promise of before', () => {
    const promised = bound(bound(watched, { now: 0, duration: 60_000 }), { now: 1_000 });
    expect(promised.promise?.until).toBe(60_000);
  });

  test('is free again when the holder has renewed the lease itself', () => {
    const read = note(bound(watched), { kind: 'read', seen: seen('c-1', 'b') }, 2_000);
    const renewed = note(read, { kind: 'read', seen: seen('c-1', 'c') }, 4_000);
    const released = note(renewed, { kind: 'read', seen: seen('', 'd') }, 4_100);
    expect(move(released, 4_100)).toEqual({ kind: 'claim' });
  });

  test('but not when it may have renewed it before the promise, as far as one can see', () => {
    const read = note(bound(watched), { kind: 'read', seen: seen('c-1', 'b') }, 2_000);
    const released = note(read, { kind: 'read', seen: seen('', 'c') }, 2_100);
    expect(move(released, 2_100)).toEqual({ kind: 'rest', until: 16_000 });
  });
});

test.each<[string, Partial<VoucherFacts>, LeaseMemory?]>([
  ['that is asked for no time at all', { duration: 0 }],
  ['that is asked for longer than anybody needs', { duration: longestPromise + 1 }],
  ['that is asked for something else than a time', { duration: Number.NaN }],
  ['that has the address of the one that is meant', { giver: 'c-3' }],
  ['that asks itself', { holder: 'c-2', roles: { currentPrimary: 'c-2', targetPrimary: 'c-2' } }],
  ['with the data of a primary', { isPrimary: true }],
  ['that has a request for the lease on its way', { isWriting: true }],
  ['to which another one is the primary', { roles: { currentPrimary: 'c-3', targetPrimary: 'c-3' } }],
  ['that is to be the next primary', { roles: { currentPrimary: 'c-1', targetPrimary: 'c-2' } }],
  ['that knows of no primary', { roles: { currentPrimary: '', targetPrimary: '' } }],
  ['that knows of a holder since', {}, { ...freshLeaseMemory, seen: seen('c-3') }],
  ['that holds the lease', {}, { ...freshLeaseMemory, renewedAt: 500, seen: seen('c-1') }],
])('an instance %s promises nothing', (_who, change, memory = freshLeaseMemory) => {
  expect(promiseTo(memory, facts(change))).toEqual(expect.any(String));
});

test('one that has not read the Cluster yet promises: nothing speaks for leading', () => {
  expect(promiseTo(freshLeaseMemory, facts({ roles: undefined }))).toMatchObject({
    promise: { holder: 'c-1', until: 16_000 },
  });
});

describe('who must promise', () => {
  const electorate = { me: 'c-1', members: ['c-1', 'c-2', 'c-3'], streaming: ['c-2'], wanted: 3 };
  test('is everybody else', () => expect(votersOf(electorate)).toEqual(['c-2', 'c-3']));
  test('is nobody, for one that is alone', () =>
    expect(votersOf({ me: 'c-1', members: ['c-1'], streaming: [], wanted: 1 })).toEqual([]));
  test.each([
    ['a standby streams that nobody knows of', { streaming: ['c-4'] }],
    ['there are to be more than are known', { wanted: 4 }],
    ['not even this instance is known', { members: ['c-2', 'c-3'] }],
  ])('cannot be told when %s', (_why, change) =>
    expect(votersOf({ ...electorate, ...change })).toBeUndefined(),
  );
});
