import { type Rules, realRules } from './manager/rules.ts';
import { misalignment, refusals } from './promises/aligned.ts';
import { plan } from './schedule/faults.ts';
import { endOfFaults, type Schedule } from './schedule/schedule.ts';
import { BrokenPromise, World } from './world/world.ts';

/**
 * True milliseconds after the last fault within which everything is aligned. The sum of what can come one after the other:
 * an instance that is no longer vouched for (30 s) and stopped by its lease (10 s), a Pod that is found not Ready (10 s), a
 * failover (10 s) with a lease that must run out (15 s) and a receiver that is waited for (10 s), a container that comes
 * back (5 s), a rewind and a start with their pauses between attempts (40 s), a watch that has lost its events (30 s); and
 * once more the longest of them, for a failover in which the first choice fails as well.
 */
export const alignmentBound = 240_000;
/** It counts only when it lasts. */
const settled = 5_000;
const lookEvery = 500;

export interface Outcome {
  /** Undefined: every promise was kept. */
  readonly broken:
    | { readonly promise: string; readonly message: string; readonly trace: readonly string[] }
    | undefined;
  /** Milliseconds from the end of the faults until everything was aligned. */
  readonly alignedAfter: number;
  readonly events: number;
  /** What persons are asked to do in the end. */
  readonly refusals: readonly string[];
}

/** Lives through one schedule. The same schedule with the same rules always comes out the same. */
export function simulate(
  schedule: Schedule,
  rules: Rules = realRules,
  onTrace?: (line: string) => void,
): Outcome {
  const world = new World(schedule, rules, onTrace);
  const { timetable, promises } = world;
  plan(world, schedule.faults);
  const quietFrom = endOfFaults(schedule);
  let alignedSince: number | undefined;
  let events = 0;
  let isOver = false;
  const look = () => {
    const why = misalignment(world);
    if (why === undefined) alignedSince ??= timetable.now;
    else alignedSince = undefined;
    if (alignedSince !== undefined && timetable.now - alignedSince >= settled) isOver = true;
    else if (timetable.now > quietFrom + alignmentBound)
      world.fail('not aligned', why ?? 'not for long enough');
    else timetable.after(lookEvery, look);
  };
  timetable.at(quietFrom, look);
  try {
    while (!isOver && timetable.step()) {
      promises.check();
      events += 1;
    }
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    return {
      broken: { promise: error.promise, message: error.message, trace: world.trace.last },
      alignedAfter: Number.POSITIVE_INFINITY,
      events,
      refusals: [],
    };
  }
  return {
    broken: undefined,
    alignedAfter: (alignedSince ?? 0) - quietFrom,
    events,
    refusals: refusals(world),
  };
}
