import { describe, expect, test } from 'vitest';
import type { Json } from '../support/admin.ts';
import { component } from '../support/component.ts';
import { otherGroup, usualGroup } from '../support/crds.ts';
import { instanceRules } from '../support/instance-role.ts';
import { mayMount } from '../support/mount.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))('a Cluster', () => {
  const plane = useControlPlane();

  test('is made by its instances, which ask for nothing that their Role does not allow', async () => {
    await plane().applyCrds();
    const cluster = await PodCluster.running(plane());
    const { status } = await cluster.read();
    expect(status).toMatchObject({ currentPrimary: 'c-1', targetPrimary: 'c-1' });
    expect(status.currentPrimaryTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect((await cluster.lease()).spec).toMatchObject({ holderIdentity: 'c-1', leaseDurationSeconds: 15 });
    await cluster.setTarget('c-2');
    await cluster.untilPrimary('c-2');
    await cluster.healthy();
    const events = await plane().admin.get(`/api/v1/namespaces/${cluster.namespace}/events`);
    const told = events.items.map(({ reason, message }: Json) => `${reason}: ${message}`);
    expect(told).toEqual(
      expect.arrayContaining([
        'DatabaseInitialised: c-1 has made a new database',
        'PrimaryCopied: c-3 has copied the primary',
        'Promoted: c-2 has been promoted and takes writes',
        'BecameStandby: c-1 was the primary and is a standby now',
      ]),
    );
    const asked = plane().requestsOf(cluster.account);
    expect(asked.filter(({ code }) => code === 403)).toEqual([]);
    const used = new Set(asked.map(({ verb, resource }) => `${verb} ${resource}`));
    // Only what happens twice is counted, such as an attempt to reach a primary whose Service is not there yet.
    used.delete('patch events');
    // Whatever else the Role allows is for what is not built yet.
    expect(used).toEqual(
      new Set([
        ...['create events', 'get clusters', 'get leases', 'get secrets', 'list clusters'],
        ...['patch clusters/status', 'update leases', 'watch clusters'],
      ]),
    );
    const unused = instanceRules({ cluster: 'c', namespace: cluster.namespace, group: usualGroup }).flatMap(
      ({ resources, verbs }) =>
        verbs.map((verb) => `${verb} ${resources[0]}`).filter((rule) => !used.has(rule)),
    );
    process.stderr.write(`rules of the Role that nobody used: ${unused.join(', ')}\n`);
  });

  test('of EDB’s group is the same, with its own annotations', async () => {
    await plane().applyCrds({ group: otherGroup, origin: 'own' });
    const cluster = await PodCluster.running(plane(), { group: otherGroup, instances: 2 });
    await cluster.annotate({ 'k8s.enterprisedb.io/fencedInstances': '["c-2"]' });
    await cluster.pod('c-2').message('stop fast');
    await cluster.annotate({ 'k8s.enterprisedb.io/fencedInstances': null });
    expect(await cluster.healthy()).toBe('c-1');
  });
});
