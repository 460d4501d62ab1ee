import { pino } from 'pino';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { KubernetesSource } from '../../src/cluster/kubernetes-source.ts';
import { timestamp } from '../../src/cluster/status.ts';
import { LeaseKeeper } from '../../src/instance/lease-keeper.ts';
import { usualGroup } from '../support/crds.ts';
import { eventually } from '../support/manager.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';
import { type Home, makeHome, never, opened, ours, setPhase } from './support.ts';

/** Milliseconds; as the operator sets them by default. */
const timings = { duration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000, releasedDuration: 1_000 };

describe.runIf(hasControlPlane)('a Cluster in a real API', () => {
  const plane = useControlPlane();
  const admin = () => plane().admin;
  let home: Home;
  beforeAll(async () => {
    await plane().applyCrds();
  });
  beforeEach(async () => {
    home = await makeHome(plane(), usualGroup);
  });

  const sourceOf = () => new KubernetesSource(opened(ours, plane().port, home), { onTrouble: () => {} });
  const keeperOf = (me: string) => {
    const keeper = new LeaseKeeper({
      ...{ me, timings, store: sourceOf().lease, log: pino({ level: 'silent' }) },
      clock: () => performance.now(),
      isHealthy: () => true,
      onChange: () => {},
    });
    onTestFinished(() => keeper.leave(0));
    return keeper;
  };

  test('is changed by two at once without a change being lost', async () => {
    const count = async (source: KubernetesSource) => {
      for (let round = 0; round < 10; round += 1) {
        await source.updateStatus(
          (status) => ({ ...status, phaseReason: String(Number(status.phaseReason ?? '0') + 1) }),
          never,
        );
      }
    };
    await Promise.all([count(sourceOf()), count(sourceOf())]);
    expect((await admin().get(home.paths.cluster)).status.phaseReason).toBe('20');
  });

  test('takes what an instance writes, beside what the operator has written', async () => {
    await admin().patch(`${home.paths.cluster}/status`, {
      status: { targetPrimary: 'demo-1', instances: 3 },
    });
    const at = timestamp(Date.UTC(2026, 0, 2));
    const own = { currentPrimary: 'demo-1', currentPrimaryTimestamp: at, phase: 'Cluster in healthy state' };
    const after = await sourceOf().updateStatus((status) => ({ ...status, ...own }), never);
    const { status } = await admin().get(home.paths.cluster);
    expect(status).toMatchObject({ ...own, targetPrimary: 'demo-1', instances: 3 });
    expect(after?.cluster.status).toEqual(status);
  });

  test('is handed over when it changes', async () => {
    const source = sourceOf();
    const phases: unknown[] = [];
    onTestFinished(source.watch((reading) => phases.push(reading?.cluster.status?.phase)));
    await eventually('the first state', () => phases.length > 0);
    await setPhase(admin(), home, 'changed');
    await eventually('the change', () => phases.includes('changed'), 1_000);
  });

  test('has a Lease that is claimed, renewed and given back in a form that the server takes', async () => {
    const before = await admin().get(home.paths.lease);
    expect(before.spec).toEqual({});
    const keeper = keeperOf('demo-1');
    keeper.intend('hold');
    await eventually('the lease to be held', () => keeper.facts.standing === 'held');
    const held = await admin().get(home.paths.lease);
    expect(held.spec).toMatchObject({
      holderIdentity: 'demo-1',
      leaseDurationSeconds: 15,
      leaseTransitions: 1,
    });
    expect(held.metadata.labels).toEqual({ from: 'operator' });
    const isRenewed = async () =>
      (await admin().get(home.paths.lease)).spec.renewTime !== held.spec.renewTime;
    await eventually('a renewal', isRenewed, 5_000);
    await keeper.leave(5_000);
    const { spec } = await admin().get(home.paths.lease);
    expect(spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1, leaseTransitions: 1 });
  });

  test('has a Lease that only one of several gets', async () => {
    const keepers = ['demo-1', 'demo-2', 'demo-3'].map(keeperOf);
    for (const keeper of keepers) keeper.intend('hold');
    const isKnown = ({ holder }: LeaseKeeper) => holder !== undefined && holder !== '';
    await eventually('all to see who holds it', () => keepers.every(isKnown));
    expect(keepers.filter(({ facts }) => facts.standing === 'held')).toHaveLength(1);
    const { spec } = await admin().get(home.paths.lease);
    const holder = keepers.findIndex(({ facts }) => facts.standing === 'held');
    expect(spec).toMatchObject({ holderIdentity: `demo-${holder + 1}`, leaseTransitions: 1 });
  });
});
