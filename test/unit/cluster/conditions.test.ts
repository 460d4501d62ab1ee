import { expect, test } from 'vitest';
import { withPhase } from '../../../src/cluster/conditions.ts';
import { clusterPhase } from '../../../src/cluster/status.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const other = {
  type: 'ContinuousArchiving',
  status: 'True',
  reason: 'a',
  message: 'b',
  lastTransitionTime: '2025-01-01T00:00:00Z',
} as const;

test('a healthy phase makes the Cluster Ready, and leaves the other conditions where they are', () => {
  const status = withPhase({ conditions: [other] }, clusterPhase.healthy, 'done', noon);
  expect(status).toMatchObject({ phase: 'Cluster in healthy state', phaseReason: 'done' });
  expect(status.conditions).toEqual([
    other,
    {
      type: 'Ready',
      status: 'True',
      reason: 'ClusterIsReady',
      message: 'Cluster is Ready',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    },
  ]);
});

test('every other phase makes it not Ready, since the moment in which that began', () => {
  const first = withPhase({}, clusterPhase.applyingConfiguration, 'x', noon);
  const second = withPhase(first, clusterPhase.waitingForUser, 'y', noon + 60_000);
  expect(second.conditions).toEqual([
    {
      type: 'Ready',
      status: 'False',
      reason: 'ClusterIsNotReady',
      message: 'Cluster Is Not Ready',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    },
  ]);
  const third = withPhase(second, clusterPhase.healthy, '', noon + 90_000);
  expect(third.conditions?.[0]).toMatchObject({ status: 'True', lastTransitionTime: '2026-01-01T12:01:30Z' });
});
