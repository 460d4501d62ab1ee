import { expect } from 'vitest';

/**
 * For how long the clients of a scenario may find nobody who takes their writes, in seconds: what is promised of it
 * (src/alignment/GUARANTEES.md), and as much again for a slow machine. Longer is a hang; how fast it is, is not asked here.
 */
const lease = 6;
/** An instance that is silent, or whose stop gets nowhere, is vouched for so long (src/alignment/fitness.ts). */
const fitness = 30;
/** A standby that finds no primary asks again after so long (wal_retrieve_retry_interval), and commits wait for it. */
const reconnect = 5;
/** Starts, stops, promotions, and a test that looks on while others work on the machine. */
const slowness = 10;

export const longestGap = {
  /** The primary goes on. */
  none: 5,
  switchover: 5,
  /** The same server comes back, with its lease. */
  restart: reconnect + slowness,
  /** The lease of the dead has to run out. */
  failover: lease + slowness,
  /** The primary stops when its lease has run out by its own clock, and waits until that of somebody else has. */
  lostLease: lease + lease + slowness,
  /** What hangs is given up first. */
  hang: fitness + lease + slowness,
  /** Nobody can be promoted as long as the API is away: two minutes. */
  apiAway: 120 + slowness,
  /** A person, here the test, takes part. */
  person: 30,
} as const;

export type Fate = keyof typeof longestGap;

/** Says in a line what clients have seen, and fails when that is longer than this fate allows. */
export function stateGap(scenario: string, fate: Fate, seconds: number, rows: string): void {
  process.stderr.write(`write gap: ${scenario}: ${seconds.toFixed(2)} s; ${rows}\n`);
  expect(seconds, `write gap of "${scenario}", in seconds`).toBeLessThan(longestGap[fate]);
}
