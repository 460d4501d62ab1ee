import { describe, expect, test } from 'vitest';
import { planRestart, type RestartFacts } from '../../../src/alignment/restart-plan.ts';

const facts: RestartFacts = {
  name: 'c-2',
  isPrimary: true,
  isPending: true,
  isDecrease: false,
  isDecreaseReplayed: false,
  strategy: 'unsupervised',
  others: [],
};
const other = (name: string, isPending: boolean, isUpToDate = true) => ({ name, isPending, isUpToDate });

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
