import { describe, expect, test } from 'vitest';
import { mutations } from './mutations.ts';
import { simulate } from './simulate.ts';

/** Seeds within which a deliberate fault must show; the rarest shows in one of some four thousand. */
const bound = 30_000;

describe('each of these faults is caught, and without it the same schedule is not', () => {
  for (const { name, rules, sound, schedules } of mutations) {
    test(name, () => {
      for (let seed = 0; seed < bound; seed += 1) {
        const schedule = schedules(seed);
        if (simulate(schedule, rules).broken === undefined) continue;
        expect(simulate(schedule, sound).broken, `seed ${seed} without the fault`).toBeUndefined();
        return;
      }
      expect.fail(`not caught within ${bound} seeds`);
    });
  }
});
