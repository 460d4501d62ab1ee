import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { healthLimits, judgeLiveness, judgeReadiness, judgeStartup } from '../../../src/alignment/health.ts';
import { freshObservation, type Observation } from '../../../src/alignment/observation.ts';
import type { Phase } from '../../../src/alignment/phase.ts';

const serving = (change: Partial<Observation> = {}): Observation => ({
  ...freshObservation(0),
  phase: 'running',
  loopBeatAt: 100_000,
  answeredAt: 100_000,
  inRecovery: false,
  ...change,
});
const codes = (health: { reasons: ReadonlyArray<{ code: string }> }) =>
  health.reasons.map((reason) => reason.code);
const MiB = 1024 * 1024;
const disk = {
  walFree: 100 * MiB,
  dataFree: 100 * MiB,
  walSegment: 16 * MiB,
  heldBySlots: undefined,
  archiveBacklog: 0,
};

describe('liveness', () => {
  test('is the heartbeat of the loop', () => {
    expect(judgeLiveness(serving(), 100_000 + healthLimits.loopBeat).ok).toBe(true);
    expect(codes(judgeLiveness(serving(), 100_001 + healthLimits.loopBeat))).toEqual(['LOOP_STALLED']);
  });
  test('does not care for PostgreSQL', () => {
    for (const phase of [
      'preparing',
      'initialising',
      'starting',
      'running',
      'stopping',
      'stopped',
    ] as Phase[]) {
      expect(judgeLiveness(serving({ phase, answeredAt: undefined }), 100_000).ok).toBe(true);
    }
  });
});

describe('startup', () => {
  const starting = (change: Partial<Observation>) =>
    serving({ phase: 'starting', phaseSince: 0, answeredAt: undefined, ...change });
  test('is fine while recovery moves, however long it takes', () => {
    const observed = starting({ progress: { marker: '0/5000028', since: 3_600_000 } });
    expect(judgeStartup(observed, 3_600_000 + healthLimits.startProgress).ok).toBe(true);
  });
  test('says where recovery stands still and why', () => {
    const observed = starting({
      progress: { marker: '0/5000028', since: 1_000 },
      refusal: { at: 2_000, text: 'the database system is starting up' },
    });
    const health = judgeStartup(observed, 1_001 + healthLimits.startProgress);
    expect(codes(health)).toEqual(['NO_PROGRESS']);
    expect(health.reasons[0]?.text).toMatch(
      /not moved for 300\.0 s at 0\/5000028 \(the database system is starting up\)/,
    );
  });
  test('names the step of the initialisation', () => {
    const health = judgeStartup(serving({ phase: 'initialising', initStep: '10-tables.sql' }), 100_000);
    expect(health.reasons).toEqual([{ code: 'NOT_STARTED', text: 'a new database is made: 10-tables.sql' }]);
  });
});

describe('readiness', () => {
  test('is an answer of the last second', () => {
    expect(judgeReadiness(serving(), 101_000).ok).toBe(true);
    expect(codes(judgeReadiness(serving(), 101_001))).toEqual(['NO_ANSWER']);
  });
  test('and new sessions that were let in not long ago', () => {
    expect(judgeReadiness(serving({ acceptedAt: 90_000 }), 100_000).ok).toBe(true);
    expect(codes(judgeReadiness(serving({ acceptedAt: 87_000 }), 100_000))).toEqual(['NO_NEW_SESSIONS']);
  });
  test.each<Phase>(['preparing', 'initialising', 'starting', 'stopping', 'stopped'])(
    'is a no while %s',
    (phase) => {
      const health = judgeReadiness(serving({ phase, phaseSince: 99_000 }), 100_000);
      expect(health.ok).toBe(false);
      expect(health.reasons[0]?.text).not.toBe('');
    },
  );
  test('a replay that stands still is no reason by itself', () => {
    const observed = serving({ inRecovery: true, progress: { marker: '0/1', since: 0 } });
    expect(judgeReadiness(observed, 100_000).ok).toBe(true);
  });
  test('a replay that stands still while the same error repeats is', () => {
    const replayError = { text: 'invalid record length', count: 3, firstAt: 80_000, lastAt: 99_000 };
    const observed = serving({ inRecovery: true, progress: { marker: '0/1', since: 80_000 }, replayError });
    const health = judgeReadiness(observed, 100_000);
    expect(codes(health)).toEqual(['REPLAY_STALLED']);
    expect(health.reasons[0]?.text).toContain('invalid record length');
    expect(judgeReadiness({ ...observed, progress: { marker: '0/2', since: 99_000 } }, 100_000).ok).toBe(
      true,
    );
    expect(judgeReadiness({ ...observed, inRecovery: false }, 100_000).ok).toBe(true);
  });
  test('a full disk tells what holds the space', () => {
    const full = { ...disk, walFree: 5 * MiB, heldBySlots: 900 * MiB, archiveBacklog: 12 };
    const health = judgeReadiness(serving({ disk: full }), 100_000);
    expect(codes(health)).toEqual(['DISK_FULL']);
    expect(health.reasons[0]?.text).toBe(
      '5.0 MiB left for WAL, 900.0 MiB held by slots, 12 segments wait for the archive',
    );
    expect(judgeReadiness(serving({ disk }), 100_000).ok).toBe(true);
  });
  test('a write path that stalls', () => {
    const writePath = { flushed: '0/16B3748', waiting: 7, stalledSince: 85_000 };
    expect(codes(judgeReadiness(serving({ writePath }), 100_000))).toEqual(['WRITE_PATH_STALLED']);
    expect(judgeReadiness(serving({ writePath: { ...writePath, stalledSince: 95_000 } }), 100_000).ok).toBe(
      true,
    );
  });
});

test('a "no" always has a reason and a "yes" never has one', () => {
  const time = fc.integer({ min: 0, max: 1_000_000 });
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const observation: fc.Arbitrary<Observation> = fc.record({
    phase: fc.constantFrom<Phase>(
      ...(['preparing', 'waiting', 'initialising', 'joining', 'rewinding'] as const),
      ...(['starting', 'running', 'stopping', 'stopped'] as const),
    ),
    isReceiving: fc.option(fc.boolean(), { nil: undefined }),
    received: fc.constant(''),
    streaming: fc.constant([]),
    isRestarting: fc.boolean(),
    refusedAt: optional(time),
    alignment: fc.constant(undefined),
    phaseSince: time,
    loopBeatAt: time,
    isolatedAt: optional(time),
    initStep: optional(fc.string()),
    answeredAt: optional(time),
    acceptedAt: optional(time),
    refusal: optional(fc.record({ at: time, text: fc.string() })),
    inRecovery: optional(fc.boolean()),
    progress: optional(fc.record({ marker: fc.string(), since: time })),
    replayError: optional(fc.record({ text: fc.string(), count: fc.nat(), firstAt: time, lastAt: time })),
    disk: fc.constantFrom(undefined, disk, { ...disk, walFree: 0 }, { ...disk, dataFree: 0 }),
    writePath: optional(fc.record({ flushed: fc.string(), waiting: fc.nat(), stalledSince: optional(time) })),
    hangs: fc.constant(new Map()),
    failures: fc.constant({}),
  });
  fc.assert(
    fc.property(observation, time, (observed, now) => {
      for (const judge of [judgeLiveness, judgeReadiness, judgeStartup]) {
        const health = judge(observed, now);
        expect(health.ok).toBe(health.reasons.length === 0);
      }
    }),
    { numRuns: 5000 },
  );
});

test('a fenced instance counts as started, and says why it is not ready', () => {
  const fenced = serving({
    phase: 'waiting',
    alignment: {
      ...{ state: 'primary down', goal: 'fence', step: undefined, isRefused: false, since: 0 },
      why: 'fenced: a person asked that the server does not run',
    },
  });
  expect(judgeStartup(fenced, 100_000).ok).toBe(true);
  expect(judgeReadiness(fenced, 100_000).reasons[0]?.text).toContain('fenced');
});

test('one that waits for a primary has not started, and a rewind is not held against anybody', () => {
  const waiting = serving({ phase: 'waiting', answeredAt: undefined });
  expect(judgeStartup(waiting, 100_000)).toMatchObject({ ok: false, reasons: [{ code: 'NOT_STARTED' }] });
  const rewinding = serving({ phase: 'rewinding', answeredAt: undefined });
  expect(judgeStartup(rewinding, 100_000).ok).toBe(true);
  expect(judgeReadiness(rewinding, 100_000).reasons[0]?.text).toContain('rewound');
});
