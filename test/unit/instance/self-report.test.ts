import { expect, test } from 'vitest';
import { freshObservation } from '../../../src/alignment/observation.ts';
import { noteFailure } from '../../../src/alignment/pacing.ts';
import { lineOf, reportOf } from '../../../src/instance/self-report.ts';

const fresh = freshObservation(0);
const alignment = { state: 'empty', goal: 'follow', isRefused: false, since: 61_000 };

test('a copy under way shows how far it has come', () => {
  const joining = {
    ...fresh,
    phase: 'joining' as const,
    phaseSince: 60_000,
    initStep: 'base backup: 12 of 300 kB',
    alignment: { ...alignment, step: 'join', why: undefined },
  };
  const report = reportOf(joining, 90_000);
  expect(report).toEqual({
    phase: 'joining',
    phaseSeconds: 30,
    progress: 'base backup: 12 of 300 kB',
    alignment: {
      state: 'empty',
      goal: 'follow',
      step: 'join',
      why: undefined,
      isRefused: false,
      seconds: 29,
    },
    failures: [],
  });
  expect(lineOf(report)).toBe(
    'the instance is joining (base backup: 12 of 300 kB); empty, goal follow: join',
  );
  // What the copy was at is no news of what comes after it.
  expect(reportOf({ ...joining, phase: 'starting' }, 90_000).progress).toBeUndefined();
});

test('a step that is tried once more shows what went wrong before', () => {
  const failure = { at: 0, text: 'no route to host', isFinal: false };
  const failures = noteFailure(noteFailure({}, 'join', failure), 'join', failure);
  const again = { ...fresh, failures, alignment: { ...alignment, step: 'join', why: undefined } };
  const report = reportOf(again, 90_000);
  expect(report.failures).toEqual([{ step: 'join', attempts: 2, error: 'no route to host' }]);
  expect(lineOf(report)).toMatch(/empty, goal follow: join; failed 2 times, last: no route to host$/);
});

test('before the first decision there is a phase', () => {
  expect(lineOf(reportOf(fresh, 0))).toBe('the instance is preparing');
});
