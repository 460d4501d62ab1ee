import { expect, test } from 'vitest';
import { freshObservation, type Observation } from '../../../src/alignment/observation.ts';
import { lacksReceiver } from '../../../src/alignment/receiver.ts';

const now = 10_000;
const never = Number.NEGATIVE_INFINITY;
const alignment = {
  ...{ state: 'standby up', goal: 'follow', step: undefined, why: undefined },
  ...{ isRefused: false, since: 0 },
};
/** A standby that follows, and whose server said just now that nobody brings it WAL. */
const idle: Observation = {
  ...freshObservation(0),
  ...{ phase: 'running', inRecovery: true, isReceiving: false, answeredAt: now, alignment },
};

test('a standby that follows, and has no receiver, lacks one', () => {
  expect(lacksReceiver(idle, never)).toBe(true);
  expect(lacksReceiver({ ...idle, isReceiving: true }, never)).toBe(false);
});

test('one whose receiver has told of its end lacks it, until the server was asked after that', () => {
  const receiving = { ...idle, isReceiving: true };
  expect(lacksReceiver(receiving, now - 50)).toBe(true);
  expect(lacksReceiver(receiving, now - 150)).toBe(false);
  expect(lacksReceiver({ ...receiving, answeredAt: undefined }, now)).toBe(true);
});

test.each([
  ['is a primary', { inRecovery: false }],
  ['was never asked', { inRecovery: undefined }],
  ['starts', { phase: 'starting' }],
  ['is about to lead', { alignment: { ...alignment, goal: 'claim' } }],
  ['waits for another primary', { alignment: { ...alignment, goal: 'yield' } }],
  ['is refused', { alignment: { ...alignment, isRefused: true } }],
  ['has decided nothing yet', { alignment: undefined }],
] as const)('one that %s is left alone', (_, differs) => {
  expect(lacksReceiver({ ...idle, ...differs }, now)).toBe(false);
});
