import { test } from 'vitest';
import { keepsEveryPromise, schedulesInAPart } from './schedules.ts';

test(`${schedulesInAPart} schedules, part 2: every promise is kept, and the end is always alignment`, () => {
  keepsEveryPromise(1);
});
