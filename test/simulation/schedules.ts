import { expect } from 'vitest';
import { commandFor, describe, describeOutcome } from './report.ts';
import { scheduleOf } from './schedule/schedule.ts';
import { simulate } from './simulate.ts';

/** Schedules in one part; the parts are files of their own, so that they run side by side. */
export const schedulesInAPart = 30_000;

/** Lives through a part of the seeds; on a failure says the one command that replays and shrinks it. */
export function keepsEveryPromise(part: number): void {
  const from = part * schedulesInAPart;
  for (let seed = from; seed < from + schedulesInAPart; seed += 1) {
    const schedule = scheduleOf(seed);
    const outcome = simulate(schedule);
    if (outcome.broken === undefined) continue;
    const story = [
      commandFor(seed),
      '',
      describe(schedule),
      '',
      ...outcome.broken.trace,
      describeOutcome(outcome),
    ];
    expect.fail(story.join('\n'));
  }
}
