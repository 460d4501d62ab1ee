import { describe, expect, test } from 'vitest';
import { type Registrant, registered, specDigest, withHealth } from '../../../src/cluster/registration.ts';
import { type ClusterStatus, clusterPhase } from '../../../src/cluster/status.ts';
import { clusterOf } from './support.ts';

const state = { isPrimary: false, ip: '127.0.0.1', port: 5432, phase: 'waiting' };
const cluster = clusterOf({ metadata: { name: 'c' }, spec: { instances: 3 } });
const me = (name: string, different: Partial<Registrant> = {}): Registrant => ({
  cluster,
  name,
  data: 'empty',
  isServing: false,
  holdsLease: true,
  state,
  ...different,
});

describe('registration', () => {
  test('adds the instance, in the order of the numbers', () => {
    const status = { instanceNames: ['c-2', 'c-10'], currentPrimary: 'c-2', targetPrimary: 'c-2' };
    const next = registered(status, me('c-3'), 0);
    expect(next?.instanceNames).toEqual(['c-2', 'c-3', 'c-10']);
    expect(next?.instancesReportedState?.['c-3']).toEqual({ ...state, data: 'empty' });
    expect(next?.targetPrimary).toBe('c-2');
  });

  test('changes nothing a second time', () => {
    const once = registered({ targetPrimary: 'c-1', currentPrimary: 'c-1' }, me('c-2'), 0);
    expect(registered(once!, me('c-2'), 5)).toBeUndefined();
  });

  test('keeps what others wrote, and what it said before of itself', () => {
    const before = {
      targetPrimary: 'c-1',
      instancesReportedState: { 'c-1': { isPrimary: true }, 'c-2': { isPrimary: false, timeLineID: 3 } },
    };
    const next = registered(before, me('c-2'), 0);
    expect(next?.instancesReportedState).toMatchObject({
      'c-1': { isPrimary: true },
      'c-2': { timeLineID: 3 },
    });
  });

  test('takes a refusal back that is over', () => {
    const refusal = { goal: 'follow', why: 'no way' };
    const refused = registered({ targetPrimary: 'c-1' }, me('c-2', { state: { ...state, refusal } }), 0)!;
    expect(refused.instancesReportedState?.['c-2']).toMatchObject({ refusal });
    const next = registered(refused, me('c-2', { state: { ...state, refusal: undefined } }), 0);
    expect(JSON.parse(JSON.stringify(next!.instancesReportedState!['c-2']))).not.toHaveProperty('refusal');
  });

  test('only the first instance founds a Cluster, whoever registers before it', () => {
    const second = registered({}, me('c-2'), 0)!;
    expect(second.targetPrimary).toBeUndefined();
    expect(registered(second, me('c-1'), 0)).toMatchObject({
      targetPrimary: 'c-1',
      targetPrimaryTimestamp: '1970-01-01T00:00:00.000000Z',
      phase: clusterPhase.settingUpPrimary,
    });
  });

  test('and never one that has, or has had, a primary', () => {
    for (const status of [
      { currentPrimary: 'c-2' },
      { targetPrimary: 'c-3' },
      { targetPrimary: 'pending' },
    ]) {
      const next = registered(status, me('c-1'), 0)!;
      expect(next.targetPrimary).toBe((status as { targetPrimary?: string }).targetPrimary);
    }
  });
});

describe('a Cluster in which nobody is chosen', () => {
  /** Who has said before what he holds. */
  const said = (data: Readonly<Record<string, Registrant['data']>>): ClusterStatus => ({
    instancesReportedState: Object.fromEntries(
      Object.entries(data).map(([name, held]) => [name, { isPrimary: false, data: held }]),
    ),
  });
  const choice = (status: ClusterStatus, registrant: Registrant) =>
    registered(status, registrant, 0)?.targetPrimary;
  const down = { data: 'primary' } as const;

  test('keeps the primary that serves, whatever the others hold, and whatever it is called', () => {
    const serving = { data: 'primary', isServing: true } as const;
    expect(choice({}, me('c-2', serving))).toBe('c-2');
    expect(choice(said({ 'c-1': 'empty', 'c-3': 'primary' }), me('c-2', serving))).toBe('c-2');
    expect(choice({ currentPrimary: 'c-2' }, me('c-2', serving))).toBe('c-2');
    expect(choice({ currentPrimary: 'c-1' }, me('c-2', serving))).toBeUndefined();
  });

  test('is led by nobody who does not hold the lease', () => {
    expect(choice({}, me('c-1', { holdsLease: false }))).toBeUndefined();
    expect(choice({}, me('c-2', { data: 'primary', isServing: true, holdsLease: false }))).toBeUndefined();
  });

  test('is not founded anew by -1 when somebody has data', () => {
    expect(choice(said({ 'c-2': 'standby' }), me('c-1'))).toBeUndefined();
    expect(choice(said({ 'c-2': 'primary' }), me('c-1'))).toBeUndefined();
    expect(choice(said({ 'c-2': 'empty' }), me('c-1'))).toBe('c-1');
  });

  test('is never led by a copy', () => {
    for (const data of ['standby', 'torn', 'unclear'] as const)
      expect(choice({}, me('c-1', { data }))).toBeUndefined();
  });

  test('is led by the only one with the data of a primary, once all have said what they hold', () => {
    expect(choice({}, me('c-2', down))).toBeUndefined();
    expect(choice(said({ 'c-1': 'standby' }), me('c-2', down))).toBeUndefined();
    expect(choice(said({ 'c-1': 'standby', 'c-3': 'empty' }), me('c-2', down))).toBe('c-2');
    expect(choice({}, me('c-1', { ...down, cluster: clusterOf({}) }))).toBe('c-1');
  });

  test('is led by nobody when two hold the data of a primary', () => {
    // Of one that cannot be looked at nobody knows.
    for (const other of ['primary', 'unclear'] as const) {
      const status = said({ 'c-1': other, 'c-3': 'standby' });
      expect(choice(status, me('c-2', down))).toBeUndefined();
    }
  });
});

describe('health, as the primary sees it', () => {
  const status = {
    currentPrimary: 'c-1',
    targetPrimary: 'c-1',
    instanceNames: ['c-1', 'c-2', 'c-3'],
    phase: clusterPhase.switchover,
  };

  test('is who streams from it', () => {
    expect(withHealth(status, { name: 'c-1', streaming: ['c-3', 'psql'], timeline: 4 })).toMatchObject({
      instancesStatus: { healthy: ['c-1', 'c-3'], failed: ['c-2'] },
      phase: clusterPhase.healthy,
      timelineID: 4,
    });
  });

  test('is nothing that a former primary, or one that is about to go, may say', () => {
    const primary = { streaming: [], timeline: 1 };
    expect(withHealth(status, { name: 'c-2', ...primary })).toBeUndefined();
    expect(withHealth({ ...status, targetPrimary: 'pending' }, { name: 'c-1', ...primary })).toBeUndefined();
  });

  test('ends a switchover with its reason', () => {
    const asked = { ...status, phase: clusterPhase.switchover, phaseReason: 'Switching over to c-1' };
    expect(withHealth(asked, { name: 'c-1', streaming: [], timeline: 1 })).toMatchObject({
      phase: clusterPhase.healthy,
      phaseReason: '',
    });
  });

  test('leaves a phase alone that is a command', () => {
    const asked = { ...status, phase: clusterPhase.restartInPlace };
    expect(withHealth(asked, { name: 'c-1', streaming: [], timeline: 1 })?.phase).toBe(
      clusterPhase.restartInPlace,
    );
  });
});

test('the digest of the spec changes with it', () => {
  const cluster = (instances: number) => ({
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster' as const,
    metadata: { name: 'c' },
    spec: { instances },
  });
  expect(specDigest(cluster(1))).toBe(specDigest(cluster(1)));
  expect(specDigest(cluster(1))).not.toBe(specDigest(cluster(2)));
});
