import { beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../support/admin.ts';
import type { AuditedRequest } from '../support/audit-log.ts';
import { component } from '../support/component.ts';
import { ManifestCluster } from '../support/manifest-cluster.ts';
import { manifest, podsOf } from '../support/manifests.ts';
import { mayMount } from '../support/mount.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';

const [status] = manifest('status.yaml') as [{ status: Readonly<Record<string, unknown>> }];
const [set] = manifest('instances.yaml');

/** All that a Role allows, each as one text; where it says no name, none counts. */
const granted = (rules: Json[]) =>
  rules.flatMap(({ resources, resourceNames = ['*'], verbs }: Json) =>
    resources.flatMap((resource: string) =>
      verbs.flatMap((verb: string) => resourceNames.map((name: string) => `${verb} ${resource} ${name}`)),
    ),
  );

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))(
  'the manifests for a Cluster without an operator',
  () => {
    const plane = useControlPlane();
    beforeAll(() => plane().applyCrds({ origin: 'own' }));

    test('make a Cluster: under the strictest standard, with a Role of nothing but what is used', async () => {
      const cluster = await ManifestCluster.create(plane());
      for (const pod of cluster.pods) pod.start();
      await cluster.patchStatus(status.status);
      expect(await cluster.healthy()).toBe('demo-1');

      const [{ ports, ...container }] = set.spec.template.spec.containers;
      const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe];
      for (const { httpGet } of probes) {
        expect(httpGet.scheme).toBe('HTTPS');
        expect(ports.find(({ name }: Json) => name === httpGet.port)).toMatchObject({ containerPort: 8000 });
        for (const pod of cluster.pods) expect((await pod.get(httpGet.path)).code).toBe(200);
      }
      for (const pod of cluster.pods) {
        expect(await pod.exec('manager', 'instance', 'status')).toMatchObject({ code: 0, stderr: '' });
        const whoami = await pod.exec(
          'sh',
          '-c',
          'id -u; touch /here /tmp/here 2>&1; grep CapEff /proc/1/status',
        );
        expect(whoami.stdout).toMatch(/^26\n.*Read-only.*\n.*Read-only.*\nCapEff:\t0+\n$/);
      }

      // The switchover of the README: the Service follows some time after the primary.
      for (const next of ['demo-2', 'demo-1', 'demo-2']) {
        const since = performance.now();
        await cluster.patchStatus({ targetPrimary: next });
        await cluster.untilPrimary(next);
        await cluster.pointTo(next);
        expect(await cluster.healthy()).toBe(next);
        process.stderr.write(
          `switched to ${next} and healthy: ${Math.round(performance.now() - since)} ms\n`,
        );
      }
      const names = await cluster.query('demo-2', 'SHOW synchronous_standby_names');
      expect(names).toMatch(/^ANY 1 \("demo-1", ?"demo-2", ?"demo-3"\)$/);

      await cluster.renewSecrets();
      for (const pod of cluster.pods) await pod.message('certificates have changed');

      const asked = plane().requestsOf(cluster.account);
      expect(asked.filter(({ code }) => code === 403)).toEqual([]);
      const nameOf = ({ resource, name }: AuditedRequest) => (resource === 'events' ? '*' : name);
      const used = new Set(asked.map((it) => `${it.verb} ${it.resource} ${nameOf(it)}`));
      const role = manifest('account.yaml').find(({ kind }) => kind === 'Role');
      expect(used).toEqual(new Set(granted(role.rules)));
    });

    test('let a primary go on that the API server does not answer, by the names of the others', async () => {
      const cluster = await ManifestCluster.create(plane());
      for (const pod of cluster.pods) pod.start();
      await cluster.patchStatus(status.status);
      expect(await cluster.healthy()).toBe('demo-1');
      await plane().stopServer('SIGKILL');
      await cluster.pod('demo-1').message('the server goes on: all others have promised not to lead');
      await plane().startServer();
      expect(await cluster.healthy()).toBe('demo-1');
    });

    test('are for Pods of which a privileged one would be refused', async () => {
      const namespace = 'restricted';
      await plane().createNamespace(namespace, { 'pod-security.kubernetes.io/enforce': 'restricted' });
      const [pod] = podsOf(set) as [Json];
      pod.spec.serviceAccountName = 'default';
      await plane().admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, {
        metadata: { name: 'default' },
      });
      const ask = () => plane().admin.ask('POST', `/api/v1/namespaces/${namespace}/pods`, { body: pod });
      pod.spec.containers[0].securityContext.allowPrivilegeEscalation = true;
      expect(await ask()).toMatchObject({
        code: 403,
        body: { message: expect.stringContaining('restricted') },
      });
      pod.spec.containers[0].securityContext.allowPrivilegeEscalation = false;
      expect((await ask()).code).toBe(201);
    });

    test('are taken by the definition of the operator, too', async () => {
      const namespace = 'operators';
      const origin = await plane().applyCrds({ group: 'postgresql.k8s.enterprisedb.io' });
      if (origin === 'own') return;
      await plane().createNamespace(namespace);
      const group = 'postgresql.k8s.enterprisedb.io';
      const cluster = manifest('cluster.yaml').find(({ kind }) => kind === 'Cluster');
      const clusters = `/apis/${group}/v1/namespaces/${namespace}/clusters`;
      await plane().admin.create(clusters, { ...cluster, apiVersion: `${group}/v1` });
      const { status: taken } = await plane().admin.patch(`${clusters}/demo/status`, status);
      expect(taken).toEqual(status.status);
    });
  },
);
