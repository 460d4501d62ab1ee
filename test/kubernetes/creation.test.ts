import { describe, expect, test } from 'vitest';
import { component } from '../support/component.ts';
import { hasControlPlane, useControlPlane } from '../support/control-plane.ts';
import { mayMount } from '../support/mount.ts';
import { PodCluster } from '../support/pod-cluster.ts';

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))('a Cluster', () => {
  const plane = useControlPlane();

  test('is made by its instances, which ask for nothing that their Role does not allow', async () => {
    await plane().applyCrds();
    const cluster = await PodCluster.running(plane());
    const { status } = await cluster.read();
    expect(status).toMatchObject({ currentPrimary: 'c-1', targetPrimary: 'c-1' });
    expect(status.currentPrimaryTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect((await cluster.lease()).spec).toMatchObject({ holderIdentity: 'c-1', leaseDurationSeconds: 15 });
    const refused = plane()
      .requestsOf(cluster.account)
      .filter(({ code }) => code === 403);
    expect(refused).toEqual([]);
  });
});
