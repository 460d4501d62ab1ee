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
test('a switchover: the server ends on purpose, and another one begins as a standby', () => {
  const demoted = ['server started', 'answered', 'stop begun', 'server ended', 'parked'] as const;
  expect(walk(...demoted)).toBe('waiting');
  expect(walk(...demoted, 'rewind begun', 'server started', 'answered')).toBe('running');
});
test('what needs a stopped server is refused while one runs', () => {
  for (const event of ['parked', 'first boot', 'join begun', 'rewind begun'] as const) {
    expect(walk('server started', event)).toBeUndefined();
    expect(walk('server started', 'answered', event)).toBeUndefined();
  }
});
test('a late answer of a server that has ended changes nothing', () => {
  expect(walk('server started', 'server ended', 'answered')).toBe('stopped');
});
