import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkpointPatience,
  nextStopMode,
  type StopEvent,
  type StopMode,
  stopDeadline,
} from '../../../src/alignment/stop-plan.ts';

const policy = { smartSeconds: 180, fastSeconds: 1800, immediateSeconds: 60 };
const noSmart = { ...policy, smartSeconds: 0 };
const order: StopMode[] = ['smart', 'fast', 'immediate', 'kill'];
const events: StopEvent[] = ['stop requested', 'immediate stop requested', 'fault', 'deadline'];

describe('the first event', () => {
  test('TERM is a smart stop when there is time for one', () => {
    expect(nextStopMode(undefined, 'stop requested', policy)).toBe('smart');
  });
  test('TERM is a fast stop when sessions get no time', () => {
    expect(nextStopMode(undefined, 'stop requested', noSmart)).toBe('fast');
  });
  test('the smart phase is skipped when it would take the whole time', () => {
    expect(nextStopMode(undefined, 'stop requested', { ...policy, smartSeconds: 1800 })).toBe('fast');
  });
  test('QUIT is an immediate stop', () => {
    expect(nextStopMode(undefined, 'immediate stop requested', policy)).toBe('immediate');
  });
  test('a fault waits for nobody', () => {
    expect(nextStopMode(undefined, 'fault', policy)).toBe('fast');
  });
});

test('every mode and every event', () => {
  const table = Object.fromEntries(
    order.map((mode) => [
      mode,
      Object.fromEntries(events.map((event) => [event, nextStopMode(mode, event, policy)])),
    ]),
  );
  expect(table).toEqual({
    smart: {
      'stop requested': 'fast',
      'immediate stop requested': 'immediate',
      fault: 'fast',
      deadline: 'fast',
    },
    fast: {
      'stop requested': 'immediate',
      'immediate stop requested': 'immediate',
      fault: 'fast',
      deadline: 'immediate',
    },
    immediate: {
      'stop requested': 'immediate',
      'immediate stop requested': 'immediate',
      fault: 'immediate',
      deadline: 'kill',
    },
    kill: { 'stop requested': 'kill', 'immediate stop requested': 'kill', fault: 'kill', deadline: 'kill' },
  });
});

test('no sequence of events makes a stop softer, and only a deadline kills', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { minLength: 1 }), fc.boolean(), (sequence, smart) => {
      let mode: StopMode | undefined;
      for (const event of sequence) {
        const next = nextStopMode(mode, event, smart ? policy : noSmart);
        if (mode !== undefined) expect(order.indexOf(next)).toBeGreaterThanOrEqual(order.indexOf(mode));
        if (next === 'kill' && mode !== 'kill') expect([mode, event]).toEqual(['immediate', 'deadline']);
        mode = next;
      }
    }),
    { numRuns: 2000 },
  );
});

test('deadlines are milliseconds of the policy', () => {
  expect(order.map((mode) => stopDeadline(mode, policy))).toEqual([180_000, 1_800_000, 60_000, 60_000]);
});

test('only who makes room for another one has little time for a checkpoint before the signal', () => {
  expect(checkpointPatience('hand over')).toBeLessThanOrEqual(30_000);
  for (const event of events) expect(checkpointPatience(event)).toBe(Number.POSITIVE_INFINITY);
});
