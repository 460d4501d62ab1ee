import { Random } from '../engine/random.ts';
import type { Fault, FaultKind, Schedule, Setup } from './schedule.ts';

/** Stories in which too much has to come together for the other schedules to find it; the seed varies their times. */
const setup: Setup = {
  instances: 3,
  synchronous: undefined,
  readinessThreshold: 5,
  smartSeconds: 0,
  isNew: false,
  asksOthers: true,
  hasUnequalLeaseTimes: true,
};

/**
 * A primary that cannot reach the store, with a lease that may be longer than that of the others, and a person who chooses
 * another one, takes that back, and chooses it again: that one has watched the lease since the first time, and has promised
 * since.
 */
export function changesOfMind(seed: number): Schedule {
  const random = new Random(seed, 'changes of mind');
  const cutAt = random.between(5_000, 10_000);
  const chosenAt = cutAt + random.between(0, 1_500);
  const takenBackAt = chosenAt + random.between(500, 3_000);
  const again = takenBackAt + random.between(8_000, 20_000);
  return scheduleWith(seed, [
    fault('cut store', cutAt, 0, 60_000),
    fault('switch over', chosenAt, 1),
    fault('switch over', takenBackAt, 0),
    fault('switch over', again, 1),
  ]);
}

/**
 * A server that is taken over by a manager that ends at once, maybe right after it has renewed the lease: the watchdog still goes
 * by the times of the first one.
 */
export function shortReigns(seed: number): Schedule {
  const random = new Random(seed, 'short reigns');
  const killedAt = random.between(5_000, 10_000);
  const pause = random.between(0, 200);
  const again = killedAt + pause + random.between(0, 250);
  return scheduleWith(seed, [
    fault('kill manager', killedAt, 0, pause),
    fault('kill manager', again, 0, 30_000),
    fault('switch over', again + 500, 1),
  ]);
}

function scheduleWith(seed: number, faults: readonly Fault[]): Schedule {
  return { seed, setup, faults };
}

function fault(kind: FaultKind, at: number, victim: number, duration = 100): Fault {
  return { kind, at: Math.round(at), victim, other: 2, duration: Math.round(duration), isLasting: false };
}
