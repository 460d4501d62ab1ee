import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LeaseIntent } from '../../../src/alignment/decide.ts';
import {
  durationToWrite,
  freshLeaseMemory,
  type LeaseEvent,
  type LeaseMemory,
  type LeaseTimings,
  leaseFacts,
  nextLeaseMove,
  noteLease,
  type SeenLease,
  defaultLeaseTimings as timings,
} from '../../../src/alignment/lease.ts';
import { promiseTo } from '../../../src/alignment/vouching.ts';

const me = 'c-1';
const move = (memory: LeaseMemory, now: number, intent: LeaseIntent = 'hold', isHealthy = true) =>
  nextLeaseMove(memory, { me, intent, isHealthy, now, timings });
const note = (memory: LeaseMemory, event: LeaseEvent, now: number) =>
  noteLease(memory, event, { me, now, timings });
const seen = (holder: string, renewTime = 't1', promised = 15_000): SeenLease => ({
  holder,
  renewTime,
  promised,
});

test('a candidate looks first, takes a free lease at once, and holds it from before the request', () => {
  expect(move(freshLeaseMemory, 100)).toEqual({ kind: 'read' });
  const free = note(freshLeaseMemory, { kind: 'read', seen: seen('') }, 105);
  expect(move(free, 105)).toEqual({ kind: 'claim' });
  const held = note(free, { kind: 'written', seen: seen(me), sentAt: 105 }, 160);
  expect(leaseFacts(held, timings)).toEqual({ standing: 'held', heldSince: 160, fenceAt: 105 + 10_000 });
  expect(move(held, 160)).toEqual({ kind: 'rest', until: 2_105 });
  expect(move(held, 2_105)).toEqual({ kind: 'renew' });
});

test('a lease of another is taken only when it has not changed for its whole time', () => {
  let memory = note(freshLeaseMemory, { kind: 'read', seen: seen('c-2', 'a') }, 0);
  expect(move(memory, 1_000)).toEqual({ kind: 'rest', until: 2_000 });
  expect(move(memory, 2_000)).toEqual({ kind: 'read' });
  memory = note(memory, { kind: 'read', seen: seen('c-2', 'b') }, 2_000);
  for (let now = 4_000; now < 17_000; now += 2_000) {
    expect(move(memory, now)).toEqual({ kind: 'read' });
    memory = note(memory, { kind: 'read', seen: seen('c-2', 'b') }, now);
  }
  expect(move(memory, 16_999)).not.toEqual({ kind: 'claim' });
  expect(move(memory, 17_000)).toEqual({ kind: 'claim' });
});

test('a candidate looks often when the holder has just ended, and takes what it gives back', () => {
  const memory = note(freshLeaseMemory, { kind: 'read', seen: seen('c-2', 'a') }, 0);
  const eager = (now: number, of = memory) =>
    nextLeaseMove(of, { me, intent: 'hold', isHealthy: true, isAboutToBeFree: true, now, timings });
  expect(eager(10)).toEqual({ kind: 'rest', until: 50 });
  expect(eager(50)).toEqual({ kind: 'read' });
  expect(eager(55, note(memory, { kind: 'read', seen: seen('', 'b') }, 55))).toEqual({ kind: 'claim' });
});

test('a holder who promised a longer time gets it', () => {
  const memory = note(freshLeaseMemory, { kind: 'read', seen: seen('c-2', 'a', 60_000) }, 0);
  expect(move(memory, 59_999).kind).not.toBe('claim');
  expect(move(memory, 60_000).kind).toBe('claim');
});

test('a conflict is followed by a look, not by another claim', () => {
  const free = note(freshLeaseMemory, { kind: 'read', seen: seen('') }, 0);
  const conflict = note(free, { kind: 'conflict' }, 10);
  expect(move(conflict, 10)).toEqual({ kind: 'read' });
});

describe('a holder', () => {
  const free = note(freshLeaseMemory, { kind: 'read', seen: seen('') }, 0);
  const held = note(free, { kind: 'written', seen: seen(me), sentAt: 0 }, 5);

  test('that is not healthy does not renew', () => {
    expect(move(held, 5_000, 'hold', false).kind).toBe('rest');
  });

  test('that cannot reach the store keeps the time it has, and no more', () => {
    const cut = note(held, { kind: 'unreadable' }, 4_000);
    expect(leaseFacts(cut, timings)).toMatchObject({ standing: 'unknown', fenceAt: 10_000 });
    expect(move(cut, 6_000)).toEqual({ kind: 'read' });
    const back = note(cut, { kind: 'read', seen: seen(me) }, 6_000);
    expect(leaseFacts(back, timings)).toMatchObject({ standing: 'held', fenceAt: 10_000 });
    expect(move(back, 6_000).kind).toBe('rest');
    expect(move(back, 8_000).kind).toBe('renew');
  });

  test('that finds another one there has lost it', () => {
    const lost = note(held, { kind: 'read', seen: seen('c-2') }, 4_000);
    expect(leaseFacts(lost, timings)).toEqual({ standing: 'lost', heldSince: undefined, fenceAt: undefined });
    const still = note(lost, { kind: 'unreadable' }, 5_000);
    expect(leaseFacts(still, timings).standing).toBe('lost');
  });

  test('gives it back only when told to, and to nobody else’s harm', () => {
    expect(move(held, 10, 'leave').kind).toBe('rest');
    expect(move(held, 10, 'release').kind).toBe('release');
    const released = note(held, { kind: 'written', seen: seen(''), sentAt: 10 }, 12);
    expect(leaseFacts(released, timings)).toEqual({
      standing: 'none',
      heldSince: undefined,
      fenceAt: undefined,
    });
    expect(move(released, 12, 'release').kind).toBe('rest');
  });

  test('counts on it no more once the release is under way, whether the answer comes or not', () => {
    const sent = note(held, { kind: 'releasing' }, 10);
    expect(leaseFacts(sent, timings).fenceAt).toBeUndefined();
    const silent = note(sent, { kind: 'unreadable' }, 12);
    expect(leaseFacts(silent, timings).fenceAt).toBeUndefined();
    expect(move(silent, 12, 'release').kind).toBe('rest');
    expect(move(silent, 2_012, 'release').kind).toBe('read');
    const still = note(silent, { kind: 'read', seen: seen(me) }, 2_015);
    expect(move(still, 2_015, 'release').kind).toBe('release');
  });

  test('asks again after a conflict, instead of trying the same release for ever', () => {
    const conflict = note(note(held, { kind: 'releasing' }, 10), { kind: 'conflict' }, 12);
    expect(move(conflict, 12, 'release').kind).toBe('read');
    const others = note(conflict, { kind: 'read', seen: seen('c-2') }, 14);
    expect(move(others, 14, 'release').kind).toBe('rest');
  });

  test('begins a new reign after a break', () => {
    const again = note(held, { kind: 'written', seen: seen(me), sentAt: 12_000 }, 12_001);
    expect(leaseFacts(again, timings).heldSince).toBe(12_001);
    const renewed = note(held, { kind: 'written', seen: seen(me), sentAt: 2_000 }, 2_001);
    expect(leaseFacts(renewed, timings).heldSince).toBe(5);
  });
});

test('the same process started again renews what still carries its name, and counts from there', () => {
  const mine = note(freshLeaseMemory, { kind: 'read', seen: seen(me) }, 50);
  expect(leaseFacts(mine, timings)).toMatchObject({ standing: 'none', fenceAt: undefined });
  expect(move(mine, 50)).toEqual({ kind: 'renew' });
});

test('a process with shorter times than the one before it lets nobody else count on them before those are over', () => {
  const shorter = { ...timings, duration: 5_000 };
  const inherited = note(freshLeaseMemory, { kind: 'read', seen: seen(me, 'a', 20_000) }, 1_000);
  expect(durationToWrite(inherited, shorter, 1_000)).toBe(20_000);
  const renewed = note(inherited, { kind: 'written', seen: seen(me, 'b', 20_000), sentAt: 1_000 }, 1_010);
  expect(durationToWrite(renewed, shorter, 20_999)).toBe(20_000);
  expect(durationToWrite(renewed, shorter, 21_000)).toBe(5_000);
  expect(leaseFacts(renewed, timings).fenceAt).toBe(1_000 + timings.renewDeadline);
});

test('one that claims a lease says its own time', () => {
  const free = note(freshLeaseMemory, { kind: 'read', seen: seen('', 'a', 20_000) }, 0);
  expect(durationToWrite(free, timings, 0)).toBe(timings.duration);
  const others = note(freshLeaseMemory, { kind: 'read', seen: seen('c-2', 'a', 20_000) }, 0);
  expect(durationToWrite(others, timings, 30_000)).toBe(timings.duration);
});

/** One store, several keepers, clocks of different pace: what the table of moves must never allow. */
test('no two keepers hold the lease at the same time, however the store answers', () => {
  const hold = ['hold', 'hold', 'hold', 'hold', 'hold', 'hold'] as const;
  const step = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    wait: fc.integer({ min: 0, max: 2_500 }),
    fate: fc.constantFrom('good', 'good', 'good', 'lost request', 'lost answer', 'late'),
    isHealthy: fc.constantFrom(true, true, true, true, true, true, true, false),
    intent: fc.constantFrom<LeaseIntent>(...hold, ...hold, 'release', 'leave'),
    // Whether the others can be asked while the store cannot, and whether they think that the asker is the primary.
    asks: fc.boolean(),
    isBelieved: fc.constantFrom(true, true, true, true, false),
  });
  // From some step on, one of them reaches the others only.
  const cut = fc.record({ who: fc.integer({ min: 0, max: 2 }), from: fc.integer({ min: 0, max: 60 }) });
  // Up to 4 % between two clocks: far more than any clock of a machine that works.
  const pace = fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.98, max: 1.02, noNaN: true })));
  // The Cluster has been changed between the starts of the processes. A stop has the same time with each.
  const ownTimings = fc.tuple(
    ...[0, 1, 2].map(() =>
      fc.constantFrom<LeaseTimings>(
        timings,
        timings,
        { duration: 10_000, renewDeadline: 5_000, retryPeriod: 1_000 },
        { duration: 25_000, renewDeadline: 20_000, retryPeriod: 2_000 },
      ),
    ),
  );
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }),
      pace,
      cut,
      ownTimings,
      (steps, paces, away, timingsOf) => {
        const names = ['c-1', 'c-2', 'c-3'];
        let record = { holder: '', renewTime: '0', version: 0, promised: 15_000 };
        const memories = names.map(() => freshLeaseMemory);
        const read = names.map(() => -1);
        let now = 0;
        const clock = (who: number) => now * paces[who]!;
        const holders = () =>
          memories.filter((memory, who) => {
            const { standing, fenceAt } = leaseFacts(memory, timingsOf[who]!);
            return standing !== 'lost' && fenceAt !== undefined && clock(who) < fenceAt;
          }).length;
        const askOthers = (who: number, isBelieved: boolean) => {
          const sentAt = clock(who);
          const holder = names[who]!;
          const primary = isBelieved ? holder : 'c-9';
          const roles = { currentPrimary: primary, targetPrimary: primary };
          const { duration } = timingsOf[who]!;
          const rest = { roles, holder, duration, isWriting: false, isPrimary: false };
          let areAllBound = true;
          for (const [other, name] of names.entries()) {
            if (other === who) continue;
            const own = { me: name, giver: name, now: clock(other), ownDuration: timingsOf[other]!.duration };
            const bound = promiseTo(memories[other]!, { ...rest, ...own });
            if (typeof bound === 'string') areAllBound = false;
            else memories[other] = bound;
          }
          now += 300;
          const event = { kind: 'vouched', sentAt } as const;
          const situation = { me: holder, now: clock(who), timings: timingsOf[who]! };
          if (areAllBound) memories[who] = noteLease(memories[who]!, event, situation);
        };
        for (const [index, { who, wait, isHealthy, intent, isBelieved, ...chance }] of steps.entries()) {
          const isAway = away.who === who && index >= away.from;
          const fate = isAway ? 'lost request' : chance.fate;
          const asks = isAway || chance.asks;
          now += wait;
          const name = names[who]!;
          const timings = timingsOf[who]!;
          const situation = { me: name, intent, isHealthy, now: clock(who), timings };
          const next = nextLeaseMove(memories[who]!, situation);
          if (next.kind === 'rest') continue;
          const sentAt = clock(who);
          const done = (event: LeaseEvent) => {
            memories[who] = noteLease(memories[who]!, event, { me: name, now: clock(who), timings });
          };
          if (next.kind === 'release') done({ kind: 'releasing' });
          if (fate === 'late') now += 800;
          if (fate === 'lost request') {
            done({ kind: 'unreadable' });
          } else if (next.kind === 'read') {
            if (fate === 'lost answer') done({ kind: 'unreadable' });
            else {
              read[who] = record.version;
              done({ kind: 'read', seen: record });
            }
          } else if (record.version !== read[who]) {
            done({ kind: 'conflict' });
          } else {
            record = {
              holder: next.kind === 'release' ? '' : name,
              renewTime: `${now}`,
              version: record.version + 1,
              promised: next.kind === 'release' ? 1_000 : timings.duration,
            };
            if (fate === 'lost answer') done({ kind: 'unreadable' });
            else {
              read[who] = record.version;
              done({ kind: 'written', seen: record, sentAt });
            }
          }
          if (asks && fate.startsWith('lost') && leaseFacts(memories[who]!, timings).fenceAt !== undefined)
            askOthers(who, isBelieved);
          expect(holders()).toBeLessThanOrEqual(1);
        }
      },
    ),
    { numRuns: 5_000 },
  );
});
