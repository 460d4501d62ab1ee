import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  lostAfter,
  planRestart,
  type RestartFacts,
  restartHindrance,
} from '../../../src/alignment/restart-plan.ts';

const facts: RestartFacts = {
  name: 'c-2',
  isPrimary: true,
  isPending: true,
  isDecrease: false,
  isDecreaseReplayed: false,
  strategy: 'unsupervised',
  others: [],
};
const other = (name: string, isPending: boolean, isUpToDate = true, awayFor?: number) => ({
  name,
  isPending,
  isUpToDate,
  awayFor,
});

test('nothing pending, nothing done', () => {
  expect(planRestart({ ...facts, isPending: false })).toEqual({ kind: 'none' });
});

describe('an increase', () => {
  test('reaches the standbys first, one at a time', () => {
    const standby = { ...facts, isPrimary: false };
    expect(planRestart({ ...standby, others: [other('c-3', true)] }).kind).toBe('now');
    expect(planRestart({ ...standby, others: [other('c-1', true)] }).kind).toBe('wait');
    expect(planRestart({ ...standby, others: [other('c-1', false)] }).kind).toBe('now');
  });

  test('and the primary when they are done, or when there is none', () => {
    expect(planRestart({ ...facts, others: [other('c-1', true)] }).kind).toBe('wait');
    expect(planRestart({ ...facts, others: [other('c-1', false, false)] }).kind).toBe('wait');
    expect(planRestart({ ...facts, others: [other('c-1', false)] }).kind).toBe('now');
    expect(planRestart(facts).kind).toBe('now');
  });
});

describe('a decrease', () => {
  const decrease = { ...facts, isDecrease: true };

  test('begins with the primary, whatever the standbys say', () => {
    expect(planRestart({ ...decrease, others: [other('c-1', true, false)] }).kind).toBe('now');
  });

  test('reaches a standby only through the WAL', () => {
    expect(planRestart({ ...decrease, isPrimary: false }).kind).toBe('wait');
    expect(planRestart({ ...decrease, isPrimary: false, isDecreaseReplayed: true }).kind).toBe('now');
  });
});

test('a supervised primary is a person’s business, a standby is not', () => {
  const supervised = { ...facts, strategy: 'supervised' } as const;
  expect(planRestart(supervised).kind).toBe('person');
  expect(planRestart({ ...supervised, isDecrease: true }).kind).toBe('person');
  expect(planRestart({ ...supervised, isPrimary: false }).kind).toBe('now');
});

describe('a member that is away', () => {
  const standby = { ...facts, isPrimary: false };

  test('may be restarting: nobody else does', () => {
    for (const who of [facts, standby]) {
      expect(planRestart({ ...who, others: [other('c-1', true, true, 1)] }).kind).toBe('wait');
      expect(planRestart({ ...who, others: [other('c-3', false, true, lostAfter - 1)] }).kind).toBe('wait');
    }
  });

  test('is lost in the end, and holds up nobody, whatever it said last', () => {
    for (const who of [facts, standby]) {
      expect(planRestart({ ...who, others: [other('c-1', true, true, lostAfter)] }).kind).toBe('now');
      expect(planRestart({ ...who, others: [other('c-1', false, false, lostAfter)] }).kind).toBe('now');
    }
  });
});

/** Standbys as all of them see each other in one reading of the status; the digest is that of what each has loaded. */
const members = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('c-1', 'c-2', 'c-3', 'c-4'),
    isPending: fc.boolean(),
    digest: fc.constantFrom('a', 'b'),
    awayFor: fc.option(fc.constantFrom(0, lostAfter - 1, lostAfter), { nil: undefined }),
  }),
  { selector: ({ name }) => name },
);
type Member = { name: string; isPending: boolean; digest: string; awayFor: number | undefined };

function plansOf(standbys: readonly Member[], isPrimary: boolean) {
  const viewers = isPrimary ? [{ name: 'c-0', isPending: true, digest: 'a', awayFor: undefined }] : standbys;
  return viewers
    .filter(({ awayFor }) => awayFor === undefined)
    .map(({ name, isPending, digest }) => {
      const others = standbys
        .filter((member) => member.name !== name)
        .map((member) => ({ ...member, isUpToDate: member.digest === digest }));
      return planRestart({ ...facts, isPrimary, name, isPending, others }).kind;
    });
}

test('at most one standby restarts at a time, and none while one may be restarting', () => {
  fc.assert(
    fc.property(members, (standbys) => {
      const isOneAway = standbys.some(({ awayFor }) => awayFor !== undefined && awayFor < lostAfter);
      const goers = plansOf(standbys, false).filter((kind) => kind === 'now');
      expect(goers.length).toBeLessThanOrEqual(isOneAway ? 0 : 1);
    }),
  );
});

test('when all that are left have loaded the same, one of those that are to restart does: nothing waits for ever', () => {
  fc.assert(
    fc.property(members, (seen) => {
      const standbys = seen.map((member) => ({
        ...member,
        digest: 'a',
        awayFor: member.awayFor === undefined ? undefined : lostAfter,
      }));
      const isOnePending = standbys.some(({ isPending, awayFor }) => isPending && awayFor === undefined);
      expect(plansOf(standbys, false).includes('now')).toBe(isOnePending);
      expect(plansOf(standbys, true)).toEqual([isOnePending ? 'wait' : 'now']);
    }),
  );
});

describe('no restart is begun', () => {
  const free = {
    goal: 'reign',
    step: undefined,
    isRunning: true,
    isPrimarySettled: true,
    isConfigurationLoaded: true,
  } as const;

  test.each([
    { goal: undefined },
    { goal: 'lead' },
    { goal: 'fence' },
    { step: 'announce' },
    { isRunning: false },
    { isPrimarySettled: false },
    { isConfigurationLoaded: false },
  ] as const)('with %j', (change) => {
    expect(restartHindrance({ ...free, ...change })).toMatchObject({ kind: 'wait' });
  });

  test.each(['reign', 'follow'] as const)('but with nothing else to do, goal %s', (goal) => {
    expect(restartHindrance({ ...free, goal })).toBeUndefined();
  });
});
