import { expect, test } from 'vitest';
import { nextPhase, type Phase, type PhaseEvent } from '../../../src/alignment/phase.ts';

const walk = (...events: PhaseEvent[]) =>
  events.reduce<Phase | undefined>(
    (phase, event) => (phase === undefined ? undefined : nextPhase(phase, event)),
    'preparing',
  );

test('a first boot', () => {
  expect(walk('first boot', 'server started', 'answered', 'stop begun', 'server ended')).toBe('stopped');
});
test('a stop during recovery, with a late answer', () => {
  expect(walk('server started', 'stop begun', 'answered')).toBe('stopping');
});
test('no second server while one runs', () => {
  expect(walk('server started', 'server started')).toBeUndefined();
  expect(walk('server started', 'answered', 'server started')).toBeUndefined();
  expect(walk('server started', 'answered', 'stop begun', 'server started')).toBeUndefined();
});
test('no way back from the end', () => {
  expect(walk('server started', 'server ended', 'server started')).toBeUndefined();
  expect(walk('server started', 'server ended', 'answered')).toBe('stopped');
});
