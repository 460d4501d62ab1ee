import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { component } from '../support/component.ts';
import { mayMount } from '../support/mount.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';
import { Writer } from '../support/writer.ts';

const synchronous = { postgresql: { synchronous: { method: 'any', number: 1, dataDurability: 'required' } } };

describe.runIf(hasControlPlane && component('the right to make namespaces', mayMount))('roles', () => {
  const plane = useControlPlane();
  beforeAll(() => plane().applyCrds());

  test('a switchover and back: nothing acknowledged is lost, and nobody rewinds', async () => {
    const cluster = await PodCluster.running(plane(), { spec: synchronous });
    const writer = await Writer.start(cluster);
    for (const next of ['c-2', 'c-1']) {
      await cluster.setTarget(next);
      await cluster.untilPrimary(next);
      await writer.more(next);
      await cluster.healthy();
    }
    expect(await writer.conclude('switchover and back, on Kubernetes', 'switchover')).toEqual([]);
    expect(cluster.report()).not.toContain('takes back the WAL');
    expect((await cluster.lease()).spec).toMatchObject({ holderIdentity: 'c-1', leaseTransitions: 3 });
  });

  test('a failover: the lease of the lost primary runs out, the rest follow, and it comes back', async () => {
    const spec = {
      ...synchronous,
      primaryLease: { leaseDurationSeconds: 6, renewDeadlineSeconds: 4, retryPeriodSeconds: 1 },
    };
    const cluster = await PodCluster.running(plane(), { spec });
    const writer = await Writer.start(cluster);
    await cluster.pod('c-1').kill();
    await cluster.setTarget('pending');
    await cluster.eventually('the WAL receivers to end', async () => {
      const sql = 'SELECT count(*)::int FROM pg_stat_wal_receiver';
      return (await cluster.ask('c-2', sql)) === 0 && (await cluster.ask('c-3', sql)) === 0;
    });
    const position = async (name: string) =>
      Number(await cluster.query(name, "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn"));
    const next = (await position('c-2')) >= (await position('c-3')) ? 'c-2' : 'c-3';
    await cluster.setTarget(next);
    await cluster.untilPrimary(next);
    await writer.more(next);
    cluster.pod('c-1').start();
    await cluster.healthy();
    expect(await writer.conclude('failover, on Kubernetes', 'failover')).toEqual([]);
  });

  test('a fenced instance has no server, but a manager that says so; then it is back', async () => {
    const cluster = await PodCluster.running(plane());
    const fenced = cluster.pod('c-3');
    await cluster.annotate({ 'cnpg.io/fencedInstances': '["c-3"]' });
    await cluster.eventually('it to be down', async () => {
      const { code, body } = await fenced.get('/pg/status');
      return (
        code === 200 &&
        (JSON.parse(body) as { mightBeUnavailableMaskedError?: string }).mightBeUnavailableMaskedError !==
          undefined
      );
    });
    expect((await fenced.get('/readyz')).code).toBe(500);
    expect((await fenced.get('/healthz')).code).toBe(200);
    expect((await fenced.get('/startupz')).code).toBe(200);
    await cluster.annotate({ 'cnpg.io/fencedInstances': null });
    await cluster.healthy();
    expect(fenced.ends).toEqual([]);
  });

  test('an instance that is asked to end gives the lease back, and its container comes again', async () => {
    const cluster = await PodCluster.running(plane());
    const primary = cluster.pod('c-1');
    await primary.stop();
    expect(primary.ends).toEqual([0]);
    expect((await cluster.lease()).spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    primary.start();
    expect(await cluster.healthy()).toBe('c-1');
  });

  test('a parameter that needs a restart is told by the phase, and nobody restarts a standby but the operator', async () => {
    const cluster = await PodCluster.running(plane());
    const started = () => cluster.query('c-2', 'SELECT pg_postmaster_start_time()::text');
    const before = await started();
    await cluster.patchSpec({ postgresql: { parameters: { max_connections: '120' } } });
    await cluster.eventually('the phase to tell it', async () => {
      return (await cluster.read()).status.phase === 'Applying configuration';
    });
    const { status } = await cluster.read();
    expect(status.phaseReason).toBe('PostgreSQL configuration changed');
    const ready = status.conditions.find(({ type }: { type: string }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'ClusterIsNotReady' });
    expect(await started()).toBe(before);
    expect(await cluster.healthy()).toBe('c-1');
  });

  test('a restart in place is done when the phase asks for it, and taken back', async () => {
    const cluster = await PodCluster.running(plane());
    const started = () => cluster.query('c-1', 'SELECT pg_postmaster_start_time()::text');
    const before = await started();
    await cluster.patchStatus({
      phase: 'Primary instance is being restarted in-place',
      phaseReason: 'a test',
    });
    await cluster.eventually('the phase to be over', async () => {
      const { phase } = (await cluster.read()).status;
      return phase === 'Cluster in healthy state';
    });
    expect(await started()).not.toBe(before);
    const { status } = await cluster.read();
    expect(status).toMatchObject({
      phaseReason: 'Primary instance restarted in-place',
      currentPrimary: 'c-1',
    });
    const ready = status.conditions.find(({ type }: { type: string }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'True', reason: 'ClusterIsReady', message: 'Cluster is Ready' });
  });

  test('a quorum for failovers: taken back before another one comes into force, and moved with the primary', async () => {
    const explicit = { ...synchronous.postgresql.synchronous, failoverQuorum: true };
    const cluster = await PodCluster.running(plane(), { spec: { postgresql: { synchronous: explicit } } });
    const untilPromised = (status: object) =>
      cluster.eventually(`the quorum ${JSON.stringify(status)}`, async () =>
        isDeepStrictEqual(await cluster.quorum(), status),
      );
    const promised = { method: 'ANY', standbyNames: ['c-2', 'c-3'], standbyNumber: 1, primary: 'c-1' };
    await untilPromised(promised);
    await cluster.patchSpec({ postgresql: { synchronous: { ...explicit, number: 2 } } });
    await untilPromised({ ...promised, standbyNumber: 2 });
    // The operator takes the object away while nobody wants it, and makes it anew, empty.
    await cluster.patchSpec({
      postgresql: { synchronous: { ...explicit, number: 2, failoverQuorum: false } },
    });
    await cluster.removeQuorum();
    await cluster.makeQuorum();
    await cluster.patchSpec({ postgresql: { synchronous: { ...explicit, number: 2 } } });
    await untilPromised({ ...promised, standbyNumber: 2 });
    await cluster.setTarget('c-3');
    await cluster.untilPrimary('c-3');
    await untilPromised({ ...promised, standbyNames: ['c-1', 'c-2'], standbyNumber: 2, primary: 'c-3' });
    const writes = plane()
      .requestsOf(cluster.account)
      .filter(({ verb, resource }) => verb === 'update' && resource === 'failoverquorums/status');
    // Promised, taken back, promised; and promised by the next primary.
    expect(writes.length).toBeGreaterThanOrEqual(4);
    expect(writes.every(({ code }) => code === 200 || code === 409)).toBe(true);
  });
});
