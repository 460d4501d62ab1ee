import { connect } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { component } from '../support/component.ts';
import { mayMount } from '../support/mount.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { pem } from '../support/secrets.ts';
import { drop } from '../support/sql.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';

/** Serial number of the certificate that a listener shows. */
function serialOf(host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host, port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().serialNumber);
    socket.end();
  });
  socket.on('error', reject);
  return promise;
}

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))(
  'what is changed while instances run',
  () => {
    const plane = useControlPlane();
    beforeAll(() => plane().applyCrds());

    test('the token: the next request has the new one', async () => {
      const cluster = await PodCluster.running(plane());
      const old = cluster.account.token;
      await cluster.account.revokeTokens();
      await cluster.account.rotateToken();
      await cluster.eventually('the old token to be refused', async () => {
        return (await plane().admin.ask('GET', cluster.path, { token: old })).code === 401;
      });
      await cluster.setTarget('c-2');
      await cluster.untilPrimary('c-2');
      expect(await cluster.healthy()).toBe('c-2');
    });

    test('the authority of the API server', async () => {
      const cluster = await PodCluster.running(plane());
      plane().rotateAuthority();
      await plane().stopServer();
      await plane().startServer();
      cluster.account.writeAuthority();
      await cluster.setTarget('c-3');
      await cluster.untilPrimary('c-3');
      expect(await cluster.healthy()).toBe('c-3');
    });

    test('certificates: the server, our own listener, and connections of standbys get the new ones', async () => {
      const cluster = await PodCluster.running(plane());
      const { address } = cluster.pod('c-1').address;
      const before = await serialOf(address, 8000);
      await cluster.replaceSecret('server', pem(cluster.authority.issueServer('server-2')));
      await cluster.replaceSecret('replication', pem(cluster.authority.issueClient('streaming_replica')));
      await cluster.eventually('another certificate on the status port', async () => {
        return (await serialOf(address, 8000)) !== before;
      });
      const shown = await serialOf(address, 8000);
      await cluster.eventually('the same one of the database', async () => {
        const client = cluster.client('c-1');
        await client.connect();
        const { stream } = (client as unknown as { connection: { stream: import('node:tls').TLSSocket } })
          .connection;
        const { serialNumber } = stream.getPeerCertificate();
        drop(client);
        return serialNumber === shown;
      });
      await cluster.query('c-1', 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_replication');
      expect(await cluster.healthy()).toBe('c-1');
      for (const pod of cluster.pods) expect(pod.ends).toEqual([]);
    });

    test('Secrets that nobody can use: everything goes on with what it has, says so, and takes what is corrected', async () => {
      const cluster = await PodCluster.running(plane());
      const addresses = cluster.pods.map(({ address }) => address.address);
      const shown = () => Promise.all(addresses.map((address) => serialOf(address, 8000)));
      const before = await shown();
      const usual = pem(cluster.authority.issueServer('server-2'));
      const other = pem(cluster.authority.issueServer('server-3'));
      const told = (what: string) =>
        cluster.eventually(what, () =>
          cluster.pods.every((pod) => pod.text.includes(what) || JSON.stringify(pod.lines).includes(what)),
        );
      await cluster.replaceSecret('server', { ...usual, 'tls.key': other['tls.key'] });
      await told('c-server: tls.crt and tls.key');
      await cluster.replaceSecret('server', { ...usual, 'tls.key': '' });
      await told('c-server: it has no tls.key');
      await cluster.replaceSecret('replication', { 'tls.crt': 'not a certificate' });
      await told('c-replication: tls.crt and tls.key');
      expect(await shown()).toEqual(before);
      await cluster.query('c-1', 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_replication');
      expect(await cluster.healthy()).toBe('c-1');
      await cluster.replaceSecret('replication', pem(cluster.authority.issueClient('streaming_replica')));
      await cluster.replaceSecret('server', usual);
      await cluster.eventually('the corrected certificate on every status port', async () => {
        return (await shown()).every((serial, index) => serial !== before[index]);
      });
      expect(await cluster.healthy()).toBe('c-1');
      for (const pod of cluster.pods) expect(pod.ends).toEqual([]);
    });

    test('the password of the superuser, of which no log says anything', async () => {
      // Each of these makes a server write down whatever it is told.
      const parameters = {
        log_min_duration_statement: '0',
        log_duration: 'on',
        log_statement: 'all',
        log_transaction_sample_rate: '1',
        debug_print_parse: 'on',
      };
      const cluster = await PodCluster.running(plane(), { spec: { postgresql: { parameters } } });
      await cluster.changePassword('a new one: ’“quoted”');
      await cluster.eventually(
        'the new password to open',
        async () => (await cluster.ask('c-1', 'SELECT 1')) === 1,
      );
      await cluster.ask('c-1', "SELECT 'the last word'");
      const log = () => cluster.pods.map(({ lines, text }) => JSON.stringify(lines) + text).join();
      await cluster.eventually('the log to have come as far', () => log().includes("SELECT 'the last word'"));
      const said = log();
      for (const password of [...cluster.passwords, 'SCRAM-SHA-256$']) expect(said).not.toContain(password);
      await cluster.patchSpec({ enableSuperuserAccess: false });
      await cluster.eventually(
        'nobody to get in',
        async () => (await cluster.ask('c-1', 'SELECT 1')) === undefined,
      );
    });

    test('the definition of the kind Cluster', async () => {
      const cluster = await PodCluster.running(plane());
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.postgresql.cnpg.io';
      const definition = await plane().admin.get(path);
      const { properties } = definition.spec.versions[0].schema.openAPIV3Schema;
      properties.spec.properties = { ...properties.spec.properties, brandNew: { type: 'string' } };
      await plane().admin.put(path, definition);
      await cluster.eventually('the new field to be kept', async () => {
        await cluster.patchSpec({ brandNew: 'yes' });
        return (await cluster.read()).spec.brandNew === 'yes';
      });
      await cluster.setTarget('c-2');
      await cluster.untilPrimary('c-2');
      expect(await cluster.healthy()).toBe('c-2');
    });

    test('the Cluster, 50 times a second for a minute: a switchover in its middle is no slower, and nothing is asked more often', async () => {
      const cluster = await PodCluster.running(plane());
      const end = performance.now() + 60_000;
      let updates = 0;
      const busy = (async () => {
        for (; performance.now() < end; updates += 1) {
          await cluster.annotate({ 'example.com/tick': String(updates) });
          const wait = updates * 20 - (60_000 - (end - performance.now()));
          if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        }
      })();
      await cluster.eventually('a thousand updates', () => updates > 1_000);
      const since = performance.now();
      await cluster.setTarget('c-2');
      await cluster.untilPrimary('c-2');
      const took = Math.round(performance.now() - since);
      await busy;
      expect(await cluster.healthy()).toBe('c-2');
      const asked = plane().requestsOf(cluster.account);
      const reads = asked.filter(({ verb, resource }) => verb === 'get' && resource !== 'leases').length;
      process.stderr.write(
        `${updates} updates in a minute: switchover ${took} ms, ${reads} reads by 3 instances\n`,
      );
      expect(updates).toBeGreaterThan(1_500);
      expect(reads).toBeLessThan(150);
    });
  },
);
