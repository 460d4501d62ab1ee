import { expect, test } from 'vitest';
import { type Failures, forgetFailure, noteFailure, paceStep } from '../../../src/alignment/pacing.ts';

const failed = (times: number, step: 'join' | 'rewind' = 'join', isFinal = false) => {
  let failures: Failures = {};
  for (let n = 0; n < times; n += 1)
    failures = noteFailure(failures, step, { at: 1_000, text: 'no way', isFinal });
  return failures;
};

test('a step that has not failed goes', () => {
  expect(paceStep({}, 'join', 0)).toEqual({ kind: 'go' });
  expect(paceStep(failed(3, 'rewind'), 'join', 0)).toEqual({ kind: 'go' });
});

test('each failure makes the pause longer, up to a limit', () => {
  expect(paceStep(failed(1), 'join', 1_000)).toEqual({ kind: 'wait', until: 1_250, why: 'no way' });
  expect(paceStep(failed(1), 'join', 1_250)).toEqual({ kind: 'go' });
  expect(paceStep(failed(3), 'join', 1_000)).toEqual({ kind: 'wait', until: 2_000, why: 'no way' });
  expect(paceStep(failed(50), 'join', 1_000)).toEqual({ kind: 'wait', until: 16_000, why: 'no way' });
});

test('a rewind is tried four times', () => {
  expect(paceStep(failed(3, 'rewind'), 'rewind', 9_000)).toEqual({ kind: 'go' });
  expect(paceStep(failed(4, 'rewind'), 'rewind', 900_000)).toMatchObject({ kind: 'refuse' });
});

test('a rewind that cannot begin, since the primary is away, is tried for as long as that takes', () => {
  const away = { at: 1_000, text: 'no route to host', isFinal: false, isTransient: true };
  let failures: Failures = failed(3, 'rewind');
  for (let n = 0; n < 20; n += 1) failures = noteFailure(failures, 'rewind', away);
  expect(paceStep(failures, 'rewind', 1_000)).toEqual({
    kind: 'wait',
    until: 16_000,
    why: 'no route to host',
  });
  failures = noteFailure(failures, 'rewind', { at: 20_000, text: 'no way', isFinal: false });
  expect(paceStep(failures, 'rewind', 900_000)).toEqual({
    kind: 'refuse',
    why: 'failed 4 times, last: no way',
  });
});

test('what cannot succeed is not tried again, until somebody forgets it', () => {
  const failures = failed(1, 'join', true);
  expect(paceStep(failures, 'join', 1e9)).toEqual({ kind: 'refuse', why: 'no way' });
  expect(paceStep(forgetFailure(failures, 'join'), 'join', 0)).toEqual({ kind: 'go' });
});
