import { setTimeout as pause } from 'node:timers/promises';
import { type World, whatIsMissing } from './conditions.ts';
import type { Condition } from './script.ts';

/** Milliseconds between two looks. */
const period = 20;

/** What was waited for did not come. */
export class WaitError extends Error {}

/**
 * Waits for a condition.
 *
 * @throws WaitError with what is still missing; AbortError
 */
export async function waitFor(
  condition: Condition,
  seconds: number,
  look: () => World,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const world = look();
    const missing = whatIsMissing(condition, world);
    if (missing === undefined) return;
    if (world.now - world.waitingSince > seconds * 1000) {
      throw new WaitError(`waited ${seconds} s for "${condition.kind}": ${missing}`);
    }
    await pause(period, undefined, { signal });
  }
}
