import { describe, expect, test } from 'vitest';
import { describeChanges } from '../../../src/cluster/changes.ts';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { checkMember, memberNames } from '../../../src/cluster/members.ts';
import { overviewOf } from '../../../src/cluster/overview.ts';
import { forget, promotion, reclone, withoutForget, withoutReclone } from '../../../src/cluster/requests.ts';
import type { ClusterStatus, ReportedState } from '../../../src/cluster/status.ts';
import { clusterOf } from './support.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const three: ClusterStatus = {
  currentPrimary: 'c-1',
  targetPrimary: 'c-1',
  instanceNames: ['c-1', 'c-10', 'c-2'],
  instancesReportedState: {
    'c-1': {
      isPrimary: true,
      timeLineID: 1,
      ip: '127.0.0.1',
      port: 5433,
      phase: 'running',
      receivedLsn: '0/3',
    },
    'c-2': { isPrimary: false, phase: 'starting' },
  },
  instancesStatus: { healthy: ['c-1'], failed: ['c-2'] },
};
/** All is well: c-2 streams. */
const streaming: ClusterStatus = {
  ...three,
  instancesReportedState: { 'c-1': { isPrimary: true }, 'c-2': { isPrimary: false, phase: 'running' } },
  instancesStatus: { healthy: ['c-1', 'c-2'] },
};
const asked = { now, isForced: false };
const cluster = (status: ClusterStatus, fenced?: string): Cluster =>
  clusterOf({
    status,
    metadata: {
      name: 'c',
      ...(fenced === undefined ? {} : { annotations: { 'cnpg.io/fencedInstances': fenced } }),
    },
  });

describe('instances', () => {
  test('are those that the status names anywhere, in the order of their numbers', () => {
    expect(memberNames(cluster(three))).toEqual(['c-1', 'c-2', 'c-10']);
    expect(memberNames({})).toEqual([]);
  });
  test.each([
    [three, 'c-3', 'did you mean c-1?'],
    [three, 'database', 'there are c-1, c-2, c-10'],
    [{}, 'c-1', 'no instance has registered itself yet'],
  ])('%j has no %s', (status, name, message) => {
    expect(() => checkMember(cluster(status), name)).toThrow(`${name}: ${message}`);
  });
});

describe('a promotion', () => {
  test('is written as the plugin writes it, and keeps the rest', () => {
    expect(promotion(cluster(streaming), 'c-2', asked)).toEqual({
      ...streaming,
      targetPrimary: 'c-2',
      targetPrimaryTimestamp: '2026-01-02T03:04:05.006000Z',
      phase: 'Switchover in progress',
      phaseReason: 'Switching over to c-2',
    });
  });
  test.each([
    [cluster(three), 'c-3', 'UNKNOWN_INSTANCE', 'did you mean'],
    [cluster(three, '["c-2"]'), 'c-2', 'REQUEST_REFUSED', 'c-2 is fenced'],
    [cluster(three, '["*"]'), 'c-2', 'REQUEST_REFUSED', 'c-2 is fenced'],
    [cluster(three), 'c-1', 'REQUEST_REFUSED', 'c-1 is the primary already'],
    [cluster({ ...three, targetPrimary: 'c-2' }), 'c-2', 'REQUEST_REFUSED', 'c-2 is the target already'],
  ])('is refused, case %#', (before, name, code, message) => {
    expect(() => promotion(before, name, asked)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
    );
  });
  const withState = (state: ReportedState): ClusterStatus => ({
    ...streaming,
    instancesReportedState: { 'c-2': state },
  });
  test.each([
    [three, 'c-2 does not run, its phase is starting'],
    [withState({ isPrimary: false }), 'c-2 does not run, its phase is not known'],
    [withState({ isPrimary: true, phase: 'running' }), 'c-2 holds the data of a primary'],
    [withState({ isPrimary: false, data: 'primary', phase: 'waiting' }), 'c-2 holds the data of a primary'],
    [{ ...streaming, instancesReportedState: {} }, 'c-2 has said nothing of itself yet'],
    [{ ...streaming, instancesStatus: { failed: ['c-2'] } }, 'c-2 does not stream from the primary'],
  ])('to one that may lack something is refused unless it is forced, case %#', (before, message) => {
    expect(() => promotion(cluster(before), 'c-2', asked)).toThrow(
      expect.objectContaining({
        code: 'REQUEST_REFUSED',
        message: expect.stringMatching(`^${message}.*--force`) as string,
      }),
    );
    expect(promotion(cluster(before), 'c-2', { now, isForced: true }).targetPrimary).toBe('c-2');
  });
  test('back to the old primary is one as well', () => {
    expect(promotion(cluster({ ...three, targetPrimary: 'c-2' }), 'c-1', asked).targetPrimary).toBe('c-1');
  });
});

describe('a new copy', () => {
  test('is asked for by the time of the request', () => {
    const status = reclone(cluster({ ...three, recloneRequests: { 'c-10': 'x' } }), 'c-2', now);
    expect(status.recloneRequests).toEqual({ 'c-10': 'x', 'c-2': '2026-01-02T03:04:05.006000Z' });
  });
  test('is no longer asked for once it was made; a later request stays', () => {
    const status = { ...three, recloneRequests: { 'c-2': 'first', 'c-10': 'x' } };
    expect(withoutReclone(status, 'c-2', 'first')).toEqual({ ...three, recloneRequests: { 'c-10': 'x' } });
    expect(withoutReclone(status, 'c-2', 'second')).toBeUndefined();
    expect(withoutReclone(three, 'c-2', 'first')).toBeUndefined();
  });
  test('of a primary is refused, and of one that is about to become it', () => {
    expect(() => reclone(cluster(three), 'c-1', now)).toThrow('c-1 is the current primary');
    expect(() => reclone(cluster({ ...three, targetPrimary: 'c-2' }), 'c-2', now)).toThrow(
      'the target primary',
    );
  });
});

test('changes are told a line each, positions of WAL are not', () => {
  const after = promotion(cluster(three), 'c-2', { now, isForced: true });
  const states = {
    'c-1': { ...three.instancesReportedState!['c-1']!, phase: 'stopping', receivedLsn: '0/4' },
    'c-2': { isPrimary: true, timeLineID: 2, ip: 'h', port: 1, pendingRestart: true },
    'c-11': { isPrimary: false },
  };
  expect(
    describeChanges(cluster(three), cluster({ ...after, instancesReportedState: states }, '["c-10"]')),
  ).toEqual([
    'target primary: c-1 -> c-2',
    'phase: - -> Switchover in progress (Switching over to c-2)',
    'fenced: - -> c-10',
    'c-1 phase: running -> stopping',
    'c-2 role: standby -> primary',
    'c-2 phase: starting -> -',
    'c-2 timeline: - -> 2',
    'c-2 endpoint: - -> h:1',
    'c-2 pending restart: - -> yes',
    'c-11 role: - -> standby',
  ]);
  expect(describeChanges(cluster(three), cluster(three))).toEqual([]);
  expect(describeChanges(clusterOf({}), clusterOf({}))).toEqual([]);
});

describe('the overview', () => {
  const lease = {
    holder: 'c-1',
    durationSeconds: 15,
    acquireTime: '2026-01-02T03:00:00.000000Z',
    renewTime: '2026-01-02T03:04:04.006000Z',
    transitions: 3,
    resourceVersion: '9',
  };
  test('puts together what the status says of an instance', () => {
    const { instances, lease: shown } = overviewOf(
      { cluster: cluster({ ...three, targetPrimary: 'c-2' }, '["c-10"]'), resourceVersion: '7' },
      lease,
      now,
    );
    expect(instances).toEqual([
      {
        name: 'c-1',
        role: 'primary',
        wanted: 'standby',
        condition: 'healthy',
        timeline: 1,
        phase: 'running',
        lsn: '0/3',
        endpoint: '127.0.0.1:5433',
        isFenced: false,
        isRestartPending: false,
        refusal: undefined,
      },
      expect.objectContaining({ name: 'c-2', role: 'standby', wanted: 'primary', condition: 'failed' }),
      expect.objectContaining({ name: 'c-10', role: 'unknown', endpoint: undefined, isFenced: true }),
    ]);
    expect(shown).toMatchObject({ holder: 'c-1', ageSeconds: 1 });
  });
  test('knows no age of a lease that was never renewed, and none from the future', () => {
    const reading = { cluster: cluster(three), resourceVersion: '7' };
    expect(overviewOf(reading, { ...lease, renewTime: '' }, now).lease?.ageSeconds).toBeUndefined();
    expect(overviewOf(reading, lease, now - 60_000).lease?.ageSeconds).toBe(0);
    expect(overviewOf(reading, undefined, now).lease).toBeUndefined();
  });
});

describe('forgetting an instance', () => {
  const gone: ClusterStatus = {
    ...streaming,
    recloneRequests: { 'c-2': 'then' },
    instancesStatus: { healthy: ['c-1'], failed: ['c-2', 'c-10'] },
    instancesReportedState: { 'c-1': { isPrimary: true }, 'c-2': { isPrimary: false, phase: 'stopped' } },
  };
  test('takes it out of the status, and asks the primary for its slot', () => {
    expect(forget(cluster(gone), 'c-2', asked)).toEqual({
      ...gone,
      instanceNames: ['c-1', 'c-10'],
      instancesReportedState: { 'c-1': { isPrimary: true } },
      instancesStatus: { healthy: ['c-1'], failed: ['c-10'] },
      recloneRequests: {},
      forgetRequests: { 'c-2': '2026-01-02T03:04:05.006000Z' },
    });
  });
  test.each([
    [{ ...gone, targetPrimary: 'c-2' }, 'is the target primary'],
    [streaming, 'streams from the primary'],
    [{ ...streaming, instancesStatus: {} }, 'has said last that it runs'],
  ])('is refused with a reason', (status, why) => {
    expect(() => forget(cluster(status), 'c-2', asked)).toThrow(why);
  });
  test('is done when the primary keeps nothing for it', () => {
    const forgetRequests = { 'c-2': 'then', 'c-3': 'then' };
    expect(withoutForget({ ...gone, forgetRequests }, ['c-2'])?.forgetRequests).toEqual({ 'c-3': 'then' });
    expect(withoutForget(gone, ['c-2'])).toBeUndefined();
  });
});
