import { beforeAll, describe, expect, test } from 'vitest';
import { component } from '../support/component.ts';
import { eventually } from '../support/manager.ts';
import { mayMount } from '../support/mount.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';
import { Writer } from '../support/writer.ts';

/** Seconds: short, so that the end of the lease is worth waiting for. */
const primaryLease = { leaseDurationSeconds: 6, renewDeadlineSeconds: 4, retryPeriodSeconds: 1 };
const isAnswering = (cluster: PodCluster, name: string) =>
  cluster.ask(name, 'SELECT NOT pg_is_in_recovery()').then((answer) => answer === true);
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))(
  'the API server is away',
  () => {
    const plane = useControlPlane();
    beforeAll(() => plane().applyCrds());

    test('for much longer than the lease: the primary serves all the time, since all others promise not to lead', async () => {
      const longer = { leaseDurationSeconds: 12, renewDeadlineSeconds: 9, retryPeriodSeconds: 1 };
      const cluster = await PodCluster.running(plane(), { spec: { primaryLease: longer } });
      const writer = await Writer.start(cluster, { only: 'c-1' });
      await plane().stopServer('SIGKILL');
      const primary = cluster.pod('c-1');
      await primary.message('the server goes on: all others have promised not to lead');
      const begun = performance.now();
      // One that begins anew, and has not read the Cluster yet, promises as well.
      const standby = cluster.pod('c-3');
      await standby.stop();
      standby.start();
      await standby.message('the Cluster cannot be read');
      await eventually('three leases to have run out', () => performance.now() - begun > 36_000);
      expect(await isAnswering(cluster, 'c-1')).toBe(true);
      for (const pod of cluster.pods) expect((await pod.get('/healthz')).code).toBe(200);
      await plane().startServer();
      await cluster.eventually('the lease to be renewed', async () => {
        const { renewTime } = (await cluster.lease()).spec;
        return Date.now() - Date.parse(renewTime as string) < 2_000;
      });
      await writer.more();
      expect((await cluster.lease()).spec.leaseTransitions).toBe(1);
      expect(await cluster.healthy()).toBe('c-1');
      expect(writer.gap).toBeLessThan(3);
      expect(primary.ends).toEqual([]);
    });

    test('for two minutes in the middle of a switchover: it goes on where it was', async () => {
      const cluster = await PodCluster.running(plane());
      const writer = await Writer.start(cluster);
      await cluster.setTarget('c-2');
      await cluster.pod('c-1').message('stop fast');
      await plane().stopServer('SIGKILL');
      await pause(120_000);
      expect(await isAnswering(cluster, 'c-2')).toBe(false);
      await plane().startServer();
      const back = performance.now();
      await cluster.pod('c-2').message('promoted: the server takes writes');
      const took = Math.round(performance.now() - back);
      process.stderr.write(`API back -> promoted: ${took} ms\n`);
      await cluster.untilPrimary('c-2');
      await writer.more('c-2');
      await cluster.healthy();
      expect(
        await writer.conclude('switchover, the API away for two minutes in its middle', 'apiAway'),
      ).toEqual([]);
    });

    test('to the primary alone, which the others reach: it serves, until another one is chosen', async () => {
      const cluster = await PodCluster.running(plane(), { spec: { primaryLease } });
      const writer = await Writer.start(cluster);
      const primary = cluster.pod('c-1');
      cluster.network.cutFromApi(primary.address, true);
      await primary.message('the server goes on: all others have promised not to lead');
      await writer.more('c-1');
      await cluster.setTarget('c-2');
      await primary.line('the refusal of c-2', (line) =>
        String(line.msg).includes('will be stopped: c-2: to c-2 the next primary is c-2'),
      );
      await cluster.untilPrimary('c-2');
      expect(await isAnswering(cluster, 'c-1')).toBe(false);
      await writer.more('c-2');
      cluster.network.cutFromApi(primary.address, false);
      await cluster.healthy();
      await writer.conclude('the primary cannot reach the API, and another one is chosen', 'lostLease');
    });

    test('to a primary that reaches nobody: it stops within the deadline of its lease, and says so', async () => {
      const cluster = await PodCluster.running(plane(), { spec: { primaryLease } });
      const primary = cluster.pod('c-1');
      const since = performance.now();
      cluster.network.cutOff(primary.address, true);
      await primary.line(
        'the end of the server',
        (line) => line.msg === 'the server has ended as it was asked to',
      );
      expect((performance.now() - since) / 1000).toBeLessThan(primaryLease.leaseDurationSeconds);
      await cluster.setTarget('c-3');
      await cluster.untilPrimary('c-3');
      cluster.network.cutOff(primary.address, false);
      await cluster.healthy();
      expect(await cluster.query('c-3', 'SELECT count(*)::int FROM pg_stat_replication')).toBe(2);
    });

    test('when an instance starts: it waits, says why, and is there once the API is', async () => {
      const cluster = await PodCluster.running(plane());
      const standby = cluster.pod('c-2');
      await standby.stop();
      await plane().stopServer('SIGKILL');
      standby.start();
      await standby.message('the Cluster cannot be read');
      await cluster.eventually('the probe to say why', async () =>
        (await standby.get('/startupz')).body.includes('the Cluster cannot be read'),
      );
      await plane().startServer();
      const back = performance.now();
      await cluster.healthy();
      const took = Math.round(performance.now() - back);
      process.stderr.write(`API back -> a standby that waited for it is there: ${took} ms\n`);
    });
  },
);
