import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KubernetesApi } from '../../src/kubernetes/api.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { EventObject } from '../../src/kubernetes/objects.ts';
import type { Json } from '../support/admin.ts';
import { otherGroup, usualGroup } from '../support/crds.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';
import {
  createCluster,
  type Home,
  makeHome,
  never,
  opened,
  ours,
  peer,
  setPhase,
  soon,
  Watched,
} from './support.ts';

describe.runIf(hasControlPlane)('an API server', () => {
  const plane = useControlPlane();
  beforeAll(async () => {
    await plane().applyCrds({ group: usualGroup });
    await plane().applyCrds({ group: otherGroup, origin: 'own' });
  });

  const variants = [ours, peer].flatMap((adapter) =>
    [usualGroup, otherGroup].map((group) => ({ name: adapter.name, group, adapter })),
  );
  describe.each(variants)('by $name, with $group', ({ adapter, group }) => {
    let home: Home;
    let api: KubernetesApi;
    beforeAll(async () => {
      home = await makeHome(plane(), group);
    });
    beforeEach(() => {
      api = opened(adapter, plane().port, home);
    });
    const admin = () => plane().admin;

    test('gives the Cluster', async () => {
      await setPhase(admin(), home, 'x');
      expect(await api.readCluster(never)).toEqual(await admin().get(home.paths.cluster));
    });

    describe('the status', () => {
      test('is merged', async () => {
        await setPhase(admin(), home, 'before');
        const answer: Json = await api.patchClusterStatus({ status: { currentPrimary: 'demo-1' } }, never);
        expect(answer.status).toMatchObject({ phase: 'before', currentPrimary: 'demo-1' });
        const without = await api.patchClusterStatus({ status: { currentPrimary: null } }, never);
        expect(without).toEqual(await admin().get(home.paths.cluster));
        expect((without as Json).status.currentPrimary).toBeUndefined();
      });
      test('is merged with the version that there is', async () => {
        const { metadata } = await api.readCluster(never);
        const patch = {
          metadata: { resourceVersion: metadata.resourceVersion! },
          status: { phase: 'with version' },
        };
        expect(((await api.patchClusterStatus(patch, never)) as Json).status.phase).toBe('with version');
      });
      test('is not merged with a version that has passed', async () => {
        const { metadata } = await api.readCluster(never);
        await setPhase(admin(), home, 'of somebody else');
        const patch = {
          metadata: { resourceVersion: metadata.resourceVersion! },
          status: { phase: 'too late' },
        };
        await expect(api.patchClusterStatus(patch, never)).rejects.toMatchObject({
          status: 409,
          reason: 'Conflict',
        });
        expect((await admin().get(home.paths.cluster)).status.phase).toBe('of somebody else');
      });
    });

    describe('the Lease', () => {
      const spec = {
        ...{ holderIdentity: 'demo-1', leaseDurationSeconds: 15, leaseTransitions: 1 },
        acquireTime: '2026-01-02T03:04:05.123456Z',
        renewTime: '2026-01-02T03:04:06.654321Z',
      };
      test('is replaced, to the microsecond', async () => {
        const before = await api.readLease(never);
        expect(before.metadata.labels).toEqual({ from: 'operator' });
        const after = await api.replaceLease({ ...before, spec }, never);
        expect(after.spec).toEqual(spec);
        expect(await admin().get(home.paths.lease)).toEqual(after);
      });
      test('is not replaced by one that was read before another write', async () => {
        const before = await api.readLease(never);
        await api.replaceLease({ ...before, spec: { ...spec, leaseTransitions: 2 } }, never);
        const late = api.replaceLease({ ...before, spec: { ...spec, holderIdentity: 'demo-2' } }, never);
        await expect(late).rejects.toMatchObject({ status: 409, reason: 'Conflict' });
        expect((await api.readLease(never)).spec?.holderIdentity).toBe('demo-1');
      });
    });

    test('gives a Secret', async () => {
      const { data, metadata } = await api.readSecret('demo-app', never);
      expect(Buffer.from(data?.password ?? '', 'base64').toString()).toBe('geheim');
      expect(metadata.resourceVersion).toMatch(/^\d+$/);
    });

    test('gives a ConfigMap', async () => {
      const { data, metadata } = await api.readConfigMap('demo', never);
      expect(data).toEqual({ queries: 'none' });
      expect(metadata.resourceVersion).toMatch(/^\d+$/);
    });

    test('takes an event, and that it has happened again', async () => {
      const { metadata } = await api.readCluster(never);
      const { namespace, cluster: name } = home.names;
      const event: EventObject = {
        metadata: { name: `demo.${adapter.name.toLowerCase()}`, namespace },
        involvedObject: { apiVersion: `${group}/v1`, kind: 'Cluster', namespace, name, uid: metadata.uid! },
        ...{ reason: 'Tried', message: 'it was tried', type: 'Warning', count: 1 },
        ...{ firstTimestamp: '2026-01-02T03:04:05Z', lastTimestamp: '2026-01-02T03:04:05Z' },
        source: { component: 'local-webserver', host: 'demo-1' },
      };
      expect((await api.createEvent(event, never)).metadata.name).toBe(event.metadata.name);
      await expect(api.createEvent(event, never)).rejects.toMatchObject({
        status: 409,
        reason: 'AlreadyExists',
      });
      const again = { count: 2, lastTimestamp: '2026-01-02T03:04:09Z' };
      await api.patchEvent(event.metadata.name, again, never);
      expect(await admin().get(`${home.paths.events}/${event.metadata.name}`)).toMatchObject({
        ...event,
        ...again,
      });
    });

    describe('an error', () => {
      test.each([
        [404, 'NotFound', () => api.readSecret('demo-ca', never)],
        [403, 'Forbidden', () => api.readSecret('other', never)],
        [403, 'Forbidden', () => api.readConfigMap('other', never)],
        [404, 'NotFound', () => api.patchEvent('none', { count: 2 }, never)],
      ])('of the server is told by its status %i and its reason %s', async (status, reason, ask) => {
        const error = await ask().catch((problem: unknown) => problem);
        expect(error).toBeInstanceOf(ApiError);
        expect(error).toMatchObject({
          status,
          reason,
          message: expect.stringMatching(/not found|forbidden/),
        });
      });
      test('of a request that is not valid says what is wrong', async () => {
        const lease = await api.readLease(never);
        const wrong = { ...lease, spec: { leaseDurationSeconds: -1 } };
        await expect(api.replaceLease(wrong, never)).rejects.toMatchObject({
          ...{ status: 422, reason: 'Invalid' },
          message: expect.stringContaining('leaseDurationSeconds'),
        });
      });
      test('of a server that is not there has no status', async () => {
        const nobody = opened(adapter, 1, home);
        const error = await nobody.readCluster(never).catch((problem: unknown) => problem);
        expect(error).toBeInstanceOf(ApiError);
        expect(error).toMatchObject({ status: undefined, reason: '' });
      });
      test('of a request that was called off is the reason of its signal', async () => {
        const reason = new Error('no longer wanted');
        await expect(api.readCluster(AbortSignal.abort(reason))).rejects.toBe(reason);
        const controller = new AbortController();
        const asked = api.readCluster(controller.signal);
        controller.abort(reason);
        await expect(asked).rejects.toBe(reason);
      });
    });

    describe('a watch', () => {
      test('begins with what there is, and brings every change within a second', async () => {
        await setPhase(admin(), home, 'at first');
        const watched = new Watched(api);
        await watched.sees('at first', soon);
        for (const phase of ['one', 'two', 'three']) {
          await setPhase(admin(), home, phase);
          await watched.sees(phase, soon);
        }
        expect(watched.last).toEqual(await admin().get(home.paths.cluster));
        const annotations = { 'cnpg.io/fencedInstances': '["*"]' };
        await admin().patch(home.paths.cluster, { metadata: { annotations } });
        await expect.poll(() => watched.last.metadata.annotations, { timeout: soon }).toEqual(annotations);
        expect(watched.troubles).toEqual([]);
      });
      test('tells of a deletion, and of another Cluster of the same name', async () => {
        const watched = new Watched(api);
        await watched.begun();
        const { uid } = watched.last.metadata;
        await admin().delete(home.paths.cluster);
        await expect.poll(() => watched.last, { timeout: soon }).toBeUndefined();
        await createCluster(admin(), home.names);
        await expect.poll(() => watched.last?.metadata.uid, { timeout: soon }).toMatch(/./);
        expect(watched.last.metadata.uid).not.toBe(uid);
      });
      test('begins with nothing when there is nothing', async () => {
        await admin().delete(home.paths.cluster);
        const watched = new Watched(api);
        await watched.begun();
        expect(watched.seen).toEqual([undefined]);
        await createCluster(admin(), home.names);
        await expect.poll(() => watched.last?.metadata.name, { timeout: soon }).toBe('demo');
      });
      test('tells nothing after it has been stopped', async () => {
        const watched = new Watched(api);
        await watched.begun();
        watched.stop();
        const other = new Watched(api);
        await setPhase(admin(), home, 'after the stop');
        await other.sees('after the stop');
        expect(watched.phase).not.toBe('after the stop');
        expect(watched.troubles).toEqual([]);
      });
    });
  });
});
