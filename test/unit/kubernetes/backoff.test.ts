import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoff } from '../../../src/kubernetes/backoff.ts';

const attempts = fc.integer({ min: 0, max: 100_000 });
const random = fc.double({ min: 0, max: 1, noNaN: true });

describe('the wait before the next attempt', () => {
  test('doubles', () => {
    expect([0, 1, 2, 3].map((attempt) => backoff(attempt, 1))).toEqual([50, 100, 200, 400]);
  });
  test('is neither none nor so long that a server that is back is noticed a second late', () => {
    fc.assert(
      fc.property(attempts, random, (attempt, chance) => {
        const wait = backoff(attempt, chance);
        return wait >= 37.5 && wait <= 600;
      }),
    );
  });
  test('differs from one instance to the next', () => {
    expect(backoff(9, 0)).toBe(450);
    expect(backoff(9, 1)).toBe(600);
  });
  test('is as long as the server asks for, within limits, and never shorter than usual', () => {
    expect(backoff(0, 0, 3_000)).toBe(3_000);
    expect(backoff(0, 0, 3_600_000)).toBe(10_000);
    expect(backoff(9, 1, 1)).toBe(600);
  });
});
