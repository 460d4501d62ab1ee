import { expect, test } from 'vitest';
import { sharesCluster } from '../../../src/cluster/cluster.ts';
import {
  leaseTimings,
  primaryUpdateStrategy,
  roleDelays,
  slotSettings,
  synchronousSettings,
} from '../../../src/cluster/defaults.ts';
import { timestamp } from '../../../src/cluster/status.ts';
import { clusterOf } from './support.ts';

test('times of the lease, in milliseconds', () => {
  expect(leaseTimings({})).toEqual({
    duration: 15_000,
    renewDeadline: 10_000,
    retryPeriod: 2_000,
    releasedDuration: 1_000,
  });
  expect(leaseTimings({ primaryLease: { leaseDurationSeconds: 20, retryPeriodSeconds: 1 } })).toEqual({
    duration: 20_000,
    renewDeadline: 10_000,
    retryPeriod: 1_000,
    releasedDuration: 1_000,
  });
});

test('delays, in seconds', () => {
  expect(roleDelays({})).toEqual({ switchover: 3_600, promotion: 40_000_000 });
  const spec = { switchoverDelay: 1, postgresql: { promotionTimeout: 3 } };
  expect(roleDelays(spec)).toEqual({ switchover: 1, promotion: 3 });
});

test('restarts of a primary', () => {
  expect(primaryUpdateStrategy({})).toBe('unsupervised');
  expect(primaryUpdateStrategy({ primaryUpdateStrategy: 'supervised' })).toBe('supervised');
});

test('slots', () => {
  expect(slotSettings({})).toEqual({
    isHighlyAvailable: true,
    prefix: '_cnpg_',
    copiesUserSlots: true,
    excludePatterns: [],
    updateInterval: 30,
  });
  const replicationSlots = {
    highAvailability: { enabled: false, slotPrefix: 'x_' },
    synchronizeReplicas: { enabled: false, excludePatterns: ['^y'] },
    updateInterval: 5,
  };
  expect(slotSettings({ replicationSlots })).toEqual({
    isHighlyAvailable: false,
    prefix: 'x_',
    copiesUserSlots: false,
    excludePatterns: ['^y'],
    updateInterval: 5,
  });
});

test('synchronous replication is off, legacy or explicit, and explicit wins', () => {
  expect(synchronousSettings({})).toEqual({ form: 'off' });
  expect(synchronousSettings({ minSyncReplicas: 1, maxSyncReplicas: 2 })).toEqual({
    form: 'legacy',
    minimum: 1,
    maximum: 2,
    antiAffinity: [],
  });
  const constraint = { enabled: true, nodeLabelsAntiAffinity: ['zone'] };
  const legacy = { maxSyncReplicas: 2, postgresql: { syncReplicaElectionConstraint: constraint } };
  expect(synchronousSettings(legacy)).toMatchObject({ minimum: 0, antiAffinity: ['zone'] });
  const disabled = { syncReplicaElectionConstraint: { ...constraint, enabled: false } };
  expect(synchronousSettings({ ...legacy, postgresql: disabled })).toMatchObject({ antiAffinity: [] });
  const synchronous = { method: 'any', number: 1 } as const;
  expect(synchronousSettings({ ...legacy, postgresql: { synchronous } })).toEqual({
    form: 'explicit',
    method: 'any',
    number: 1,
    maximumFromCluster: undefined,
    namesBefore: [],
    namesAfter: [],
    durability: 'required',
    hasFailoverQuorum: false,
  });
});

test('a Cluster of one instance without a status is not shared', () => {
  expect(sharesCluster(clusterOf({}))).toBe(false);
  expect(sharesCluster(clusterOf({ spec: { instances: 1 } }))).toBe(false);
  expect(sharesCluster(clusterOf({ spec: { instances: 2 } }))).toBe(true);
  expect(sharesCluster(clusterOf({ status: {} }))).toBe(true);
});

test('a time has six decimals and its zone', () => {
  expect(timestamp(Date.UTC(2026, 0, 2, 3, 4, 5, 6))).toBe('2026-01-02T03:04:05.006000Z');
});
