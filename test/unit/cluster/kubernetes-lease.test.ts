import { describe, expect, test } from 'vitest';
import { KubernetesLease } from '../../../src/cluster/kubernetes-lease.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { LeaseObject } from '../../../src/kubernetes/objects.ts';
import { MemoryApi, stored } from './memory-api.ts';

const never = new AbortController().signal;
/** As the operator makes it: owned, and without any member of its spec (contract 03, 3.8). */
const fresh: LeaseObject = {
  ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
  metadata: {
    name: 'demo',
    uid: 'l',
    resourceVersion: '5',
    labels: { a: 'b' },
    ownerReferences: [{ name: 'demo' }],
  },
};
const claim = {
  ...{ holder: 'demo-1', durationSeconds: 15, transitions: 1 },
  ...{ acquireTime: '2026-01-02T03:04:05.000000Z', renewTime: '2026-01-02T03:04:06.000000Z' },
};

function leaseOf(object: LeaseObject | undefined) {
  const api = new MemoryApi(stored('1'));
  api.lease = object;
  return { api, lease: new KubernetesLease(api) };
}

describe('reading', () => {
  test('one that the operator has just made is free', async () => {
    expect(await leaseOf(fresh).lease.read(never)).toEqual({
      ...{ holder: '', durationSeconds: 0, acquireTime: '', renewTime: '', transitions: 0 },
      resourceVersion: '5',
    });
  });
  test('one that is not there is none', async () => {
    expect(await leaseOf(undefined).lease.read(never)).toBeUndefined();
  });
  test('one that cannot be reached is an error', async () => {
    const { api, lease } = leaseOf(fresh);
    const error = new ApiError('GET: 500', { status: 500 });
    api.before = () => Promise.reject(error);
    await expect(lease.read(never)).rejects.toBe(error);
  });
});

describe('writing', () => {
  test('changes the spec, and keeps what is not ours', async () => {
    const spec = { preferredHolder: 'x', holderIdentity: 'demo-2', leaseTransitions: 0 };
    const { api, lease } = leaseOf({ ...fresh, spec });
    const read = (await lease.read(never))!;
    const written = await lease.write({ ...read, ...claim }, never);
    expect(written).toMatchObject({ ...claim, resourceVersion: api.lease?.metadata.resourceVersion });
    expect(api.leases).toEqual([
      {
        ...fresh,
        spec: {
          ...{
            preferredHolder: 'x',
            holderIdentity: 'demo-1',
            leaseDurationSeconds: 15,
            leaseTransitions: 1,
          },
          ...{ acquireTime: claim.acquireTime, renewTime: claim.renewTime },
        },
      },
    ]);
  });
  test('leaves out times that are not there: an API server refuses empty ones', async () => {
    const { api, lease } = leaseOf({ ...fresh, spec: { holderIdentity: 'demo-1' } });
    const read = (await lease.read(never))!;
    await lease.write({ ...read, renewTime: claim.renewTime }, never);
    expect(api.leases[0]?.spec).toEqual({
      ...{ holderIdentity: 'demo-1', leaseDurationSeconds: 0, leaseTransitions: 0 },
      renewTime: claim.renewTime,
    });
  });
  test('goes on from what was written last', async () => {
    const { api, lease } = leaseOf(fresh);
    const read = (await lease.read(never))!;
    const first = await lease.write({ ...read, ...claim }, never);
    if (first === 'conflict') throw new Error('nobody else writes');
    expect(await lease.write({ ...first, holder: '' }, never)).toMatchObject({ holder: '' });
    expect(api.leases.map(({ metadata }) => metadata.resourceVersion)).toEqual(['5', '51']);
  });
  test('is a conflict when somebody else was first', async () => {
    const { api, lease } = leaseOf(fresh);
    const read = (await lease.read(never))!;
    api.lease = { ...fresh, metadata: { ...fresh.metadata, resourceVersion: '6' } };
    expect(await lease.write({ ...read, ...claim }, never)).toBe('conflict');
    expect(api.lease.spec).toBeUndefined();
  });
  test('is a conflict when it is decided on another reading than the last, without a request', async () => {
    const { api, lease } = leaseOf(fresh);
    const read = (await lease.read(never))!;
    api.lease = { ...fresh, metadata: { ...fresh.metadata, resourceVersion: '6' } };
    await lease.read(never);
    expect(await lease.write({ ...read, ...claim }, never)).toBe('conflict');
    expect(api.leases).toEqual([]);
  });
  test('is a conflict when it was never read, and when it has been deleted', async () => {
    const { api, lease } = leaseOf(fresh);
    const record = { ...claim, resourceVersion: '5' };
    expect(await lease.write(record, never)).toBe('conflict');
    await lease.read(never);
    api.lease = undefined;
    expect(await lease.write(record, never)).toBe('conflict');
    expect(await lease.read(never)).toBeUndefined();
    expect(await lease.write(record, never)).toBe('conflict');
    expect(api.leases).toHaveLength(1);
  });
  test('that fails otherwise is an error, and can be repeated', async () => {
    const { api, lease } = leaseOf(fresh);
    const read = (await lease.read(never))!;
    const error = new ApiError('no answer');
    api.before = () => Promise.reject(error);
    await expect(lease.write({ ...read, ...claim }, never)).rejects.toBe(error);
    api.before = () => {};
    expect(await lease.write({ ...read, ...claim }, never)).toMatchObject({ holder: 'demo-1' });
  });
});
