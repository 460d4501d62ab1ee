import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CertificateAuthority } from '../support/certificates.ts';
import { component } from '../support/component.ts';
import { temporaryDirectory } from '../support/manager.ts';
import { mayMount } from '../support/mount.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))(
  'manager instance status in a Pod',
  () => {
    const plane = useControlPlane();
    beforeAll(() => plane().applyCrds());

    test('asks in TLS, and takes no answer of somebody whom the authority of the servers does not know', async () => {
      const cluster = await PodCluster.running(plane(), { instances: 1 });
      const pod = cluster.pod('c-1');
      const { code, stdout, stderr } = await pod.exec('manager', 'instance', 'status');
      expect([code, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({ isPrimary: true });
      expect((await pod.exec('manager', 'instance', 'status', '--output', 'text')).stdout).toContain(
        'primary',
      );

      const other = new CertificateAuthority(join(temporaryDirectory(), 'other'));
      await cluster.replaceSecret('ca', { 'ca.crt': other.pem });
      await pod.message('certificates have changed');
      const refused = await pod.exec('manager', 'instance', 'status');
      expect([refused.code, refused.stdout]).toEqual([1, '']);
      expect(refused.stderr).toContain('STATUS_UNREACHABLE: 127.0.0.1:8000: ');
      expect(refused.stderr).toContain('certificate');
    });

    test('asks in clear where the port has no TLS', async () => {
      const container = { command: ['manager', 'instance', 'run'] };
      const cluster = await PodCluster.running(plane(), { instances: 1, container });
      const { code, stdout, stderr } = await cluster.pod('c-1').exec('manager', 'instance', 'status');
      expect([code, stderr]).toEqual([0, '']);
      expect(JSON.parse(stdout)).toMatchObject({ isPrimary: true });
    });
  },
);
