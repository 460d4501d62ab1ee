import { Random } from '../engine/random.ts';
import type { Fault, FaultKind, Schedule } from './schedule.ts';

/**
 * A primary that cannot reach the store, with a lease that may be longer than that of the others, and a person who chooses
 * another one, takes that back, and chooses it again: that one has watched the lease since the first time, and has promised
 * since. Too much has to come together for the other schedules to find it.
 */
export function changesOfMind(seed: number): Schedule {
  const random = new Random(seed, 'changes of mind');
  const cutAt = random.between(5_000, 10_000);
  const chosenAt = cutAt + random.between(0, 1_500);
  const takenBackAt = chosenAt + random.between(500, 3_000);
  const again = takenBackAt + random.between(8_000, 20_000);
  return {
    seed,
    setup: {
      instances: 3,
      synchronous: undefined,
      readinessThreshold: 5,
      smartSeconds: 0,
      isNew: false,
      asksOthers: true,
      hasUnequalLeaseTimes: true,
    },
    faults: [
      fault('cut store', cutAt, 0, 60_000),
      fault('switch over', chosenAt, 1),
      fault('switch over', takenBackAt, 0),
      fault('switch over', again, 1),
    ],
  };
}

function fault(kind: FaultKind, at: number, victim: number, duration = 100): Fault {
  return { kind, at: Math.round(at), victim, other: 2, duration, isLasting: false };
}
