import { expect, test } from 'vitest';
import { fitnessPatience, isFitToLead } from '../../../src/alignment/fitness.ts';
import { freshObservation } from '../../../src/alignment/observation.ts';

const now = 1_000_000;
const running = {
  ...freshObservation(now),
  phase: 'running' as const,
  phaseSince: 0,
  answeredAt: now,
  acceptedAt: now,
};

test('a server that works is vouched for', () => {
  expect(isFitToLead(running, now)).toBe(true);
});

test('one that answers nobody, or takes no new sessions, is not', () => {
  const long = now - fitnessPatience - 1;
  expect(isFitToLead({ ...running, answeredAt: long }, now)).toBe(false);
  expect(isFitToLead({ ...running, acceptedAt: long }, now)).toBe(false);
  expect(isFitToLead({ ...running, acceptedAt: undefined }, now)).toBe(false);
  expect(isFitToLead({ ...running, acceptedAt: undefined, phaseSince: now - 1_000 }, now)).toBe(true);
});

test('one whose WAL does not reach the disk is not', () => {
  const writePath = { flushed: '0/1', waiting: 3, stalledSince: now - fitnessPatience - 1 };
  expect(isFitToLead({ ...running, writePath }, now)).toBe(false);
  expect(isFitToLead({ ...running, writePath: { ...writePath, stalledSince: now - 5_000 } }, now)).toBe(true);
});

test('a loop that stands still vouches for nothing', () => {
  expect(isFitToLead({ ...running, loopBeatAt: now - 11_000 }, now)).toBe(false);
});

test('a server that is down on purpose does not count against it', () => {
  const old = { ...running, answeredAt: undefined, acceptedAt: undefined };
  for (const phase of ['preparing', 'waiting', 'initialising', 'rewinding', 'stopped'] as const) {
    expect(isFitToLead({ ...old, phase }, now)).toBe(true);
  }
});

test('one that starts or stops, and of which nothing is heard any more, does: it would hold the lease for as long as it hangs', () => {
  const long = now - fitnessPatience - 1;
  const silent = { ...running, answeredAt: long, acceptedAt: long };
  for (const phase of ['starting', 'stopping'] as const) {
    expect(isFitToLead({ ...silent, phase, refusedAt: undefined }, now)).toBe(false);
    expect(isFitToLead({ ...silent, phase, refusedAt: undefined, phaseSince: now - 1_000 }, now)).toBe(true);
    expect(isFitToLead({ ...silent, phase, refusedAt: now - 1_000 }, now)).toBe(true);
  }
  expect(isFitToLead({ ...silent, phase: 'stopped', refusedAt: undefined }, now)).toBe(true);
});

test('a stop that hangs at storage that has gone away does as well, though the server still turns everybody away', () => {
  const stopping = { ...running, phase: 'stopping' as const, refusedAt: now };
  const hanging = (since: number) => ({ ...stopping, hangs: new Map([[1, { marker: '7', since }]]) });
  expect(isFitToLead(hanging(now - fitnessPatience - 1), now)).toBe(false);
  expect(isFitToLead(hanging(now - 1_000), now)).toBe(true);
  expect(isFitToLead({ ...hanging(0), phaseSince: now - 1_000 }, now)).toBe(true);
  expect(isFitToLead(stopping, now)).toBe(true);
});
