import { expect, test } from 'vitest';
import { freshObservation } from '../../../src/alignment/observation.ts';
import { now } from '../../../src/instance/deadline.ts';
import { lookAtInstance } from '../../../src/instance/look.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';
import { directoryWith } from './support.ts';

/** A server that was started with this role, on files that have become something else. */
function serverOn(
  files: readonly string[],
  startedWith: 'primary' | 'standby' | undefined,
  inRecovery?: boolean,
) {
  const dataDirectory = directoryWith(...files);
  const step = {
    settings: { name: 'c-2' },
    context: { dataDirectory },
    server: { postmaster: {}, startedWith },
    view: { kind: 'file' },
    observation: { ...freshObservation(now()), phase: 'running', answeredAt: now(), inRecovery },
    findings: { isPromoting: false, isOnOldTimeline: false },
    desired: () => ({ replication: undefined }),
  } as unknown as StepContext;
  return lookAtInstance(step);
}

test('a server is at least what it was started with, whatever has become of its files', () => {
  const whole = ['PG_VERSION', 'global/pg_control'];
  const damaged = ['global/pg_control'];
  for (const files of [whole, damaged, [], [...whole, 'standby.signal']]) {
    expect(serverOn(files, 'primary').data).toBe('primary');
  }
  for (const files of [damaged, [], [...whole, 'standby.signal']]) {
    expect(serverOn(files, 'standby').data).toBe('standby');
    expect(serverOn(files, 'standby', false).data).toBe('primary');
  }
  // A person has promoted it.
  expect(serverOn(whole, 'standby').data).toBe('primary');
  for (const files of [damaged, []]) {
    expect(serverOn(files, undefined).data).toBe('primary');
    expect(serverOn(files, undefined, true).data).toBe('standby');
  }
});

/** A standby that answers, and whose source has told it at this position that the WAL is gone. */
function strandedStandby(strandedAt: string | undefined) {
  const dataDirectory = directoryWith('PG_VERSION', 'global/pg_control', 'standby.signal');
  const observation = {
    ...freshObservation(now()),
    phase: 'running' as const,
    answeredAt: now(),
    inRecovery: true,
    isReceiving: false,
    received: '0/3000060',
  };
  const step = {
    settings: { name: 'c-2' },
    context: { dataDirectory },
    server: { postmaster: {} },
    view: { kind: 'file' },
    observation,
    findings: {
      kinship: undefined,
      trouble: undefined,
      isPromoting: false,
      isOnOldTimeline: false,
      strandedAt,
    },
    desired: () => ({ replication: undefined }),
  } as unknown as StepContext;
  return { observation, look: () => lookAtInstance(step) };
}

test('a standby is stranded until more WAL comes, and not in the next gap', () => {
  const { observation, look } = strandedStandby('0/3000060');
  expect(look()).toMatchObject({ role: 'standby', receiver: 'idle', isStranded: true });
  observation.received = '0/4000000';
  expect(look()).toMatchObject({ receiver: 'idle', isStranded: false });
});

test('one that nobody has told so is not stranded', () => {
  expect(strandedStandby(undefined).look()).toMatchObject({ isStranded: false });
});
