import type { Rules } from './manager/rules.ts';
import type { Fault, Schedule, Setup } from './schedule/schedule.ts';
import { simulate } from './simulate.ts';

/** How many worlds a smaller schedule is tried in: one of them mostly has the same bad luck as the first. */
const worlds = 8;

/**
 * The smallest schedule found that breaks the same promise: fewer faults, shorter ones, a plainer world. What happens in a
 * world depends on its seed as well, so the seed may change on the way.
 */
export function shrink(schedule: Schedule, rules: Rules): Schedule {
  const promise = simulate(schedule, rules).broken?.promise;
  if (promise === undefined) return schedule;
  let smallest = schedule;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smallerOnes(smallest)) {
      const failing = failingWorld(candidate, rules, promise);
      if (failing === undefined) continue;
      smallest = failing;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

function failingWorld(candidate: Schedule, rules: Rules, promise: string): Schedule | undefined {
  for (let offset = 0; offset < worlds; offset += 1) {
    const tried = { ...candidate, seed: candidate.seed + offset * 1_000_003 };
    if (simulate(tried, rules).broken?.promise === promise) return tried;
  }
  return undefined;
}

function* smallerOnes(schedule: Schedule): Generator<Schedule> {
  const { faults, setup } = schedule;
  for (const index of faults.keys()) yield { ...schedule, faults: faults.toSpliced(index, 1) };
  for (const plainer of plainerSetups(setup, faults)) yield { ...schedule, setup: plainer };
  for (const [index, fault] of faults.entries()) {
    for (const smaller of smallerFaults(fault)) yield { ...schedule, faults: faults.with(index, smaller) };
  }
}

function* plainerSetups(setup: Setup, faults: readonly Fault[]): Generator<Setup> {
  if (setup.isNew) yield { ...setup, isNew: false };
  if (setup.asksOthers) yield { ...setup, asksOthers: false };
  if (setup.hasUnequalLeaseTimes) yield { ...setup, hasUnequalLeaseTimes: false };
  if (setup.smartSeconds > 0) yield { ...setup, smartSeconds: 0 };
  if (setup.synchronous !== undefined) yield { ...setup, synchronous: undefined };
  const isFree = faults.every(
    ({ victim, other }) => victim < setup.instances - 1 && other < setup.instances - 1,
  );
  if (setup.instances > 2 && isFree) yield { ...setup, instances: setup.instances - 1 };
}

function* smallerFaults(fault: Fault): Generator<Fault> {
  const { at, duration, isLasting, victim, other } = fault;
  if (isLasting) yield { ...fault, isLasting: false };
  for (const part of [0.25, 0.5, 0.8]) {
    const shorter = Math.round((duration * part) / 100) * 100;
    if (shorter < duration) yield { ...fault, duration: shorter };
  }
  const rounder = Math.round(at / 1_000) * 1_000;
  if (rounder !== at && rounder > 0) yield { ...fault, at: rounder };
  if (victim > 0 && other !== victim - 1) yield { ...fault, victim: victim - 1 };
  if (other > 0 && victim !== other - 1) yield { ...fault, other: other - 1 };
}
