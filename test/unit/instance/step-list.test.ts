import { expect, test } from 'vitest';
import { type Failures, noteFailure, paceStep } from '../../../src/alignment/pacing.ts';
import { ManagerError } from '../../../src/errors/manager-error.ts';
import { failureOf } from '../../../src/instance/step-list.ts';

/** What becomes of a rewind after so many of these failures. */
function paceAfter(times: number, error: Error) {
  let failures: Failures = {};
  for (let n = 0; n < times; n += 1)
    failures = noteFailure(failures, 'rewind', { at: 0, ...failureOf(error) });
  return paceStep(failures, 'rewind', 1e9).kind;
}

test.each(['PRIMARY_UNKNOWN', 'PRIMARY_UNREACHABLE'] as const)('%s uses up no attempt', (code) => {
  expect(paceAfter(50, new ManagerError(code, 'away'))).toBe('go');
});

test('other failures use up the attempts, and some are final', () => {
  expect(paceAfter(3, new Error('no way'))).toBe('go');
  expect(paceAfter(4, new Error('no way'))).toBe('refuse');
  expect(paceAfter(1, new ManagerError('REWIND_IMPOSSIBLE', 'no way'))).toBe('refuse');
});
