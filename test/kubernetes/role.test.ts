import { beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../support/admin.ts';
import { usualGroup } from '../support/crds.ts';
import type { InstanceAccount } from '../support/instance-account.ts';
import { instanceRules, secretNamesOf } from '../support/instance-role.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';

const names = { cluster: 'demo', namespace: 'prod', group: usualGroup };
const group = `/apis/${usualGroup}/v1/namespaces/prod`;
const core = '/api/v1/namespaces/prod';
const coordination = '/apis/coordination.k8s.io/v1/namespaces/prod';
const byName = 'fieldSelector=metadata.name%3Ddemo';
const mergePatch = 'application/merge-patch+json';

test('the Role has the rules of the contract, and no other verb anywhere', () => {
  expect(instanceRules(names)).toHaveLength(18);
  const writing = instanceRules(names).filter(({ verbs }) =>
    verbs.some((verb) => verb === 'create' || verb === '*'),
  );
  expect(writing.map(({ resources }) => resources)).toEqual([['events']]);
});

describe.runIf(hasControlPlane)('what the service account of an instance may do', () => {
  const plane = useControlPlane();
  let account: InstanceAccount;

  beforeAll(async () => {
    const { admin } = plane();
    await plane().applyCrds();
    await plane().createNamespace('prod');
    account = await plane().createInstanceAccount(names);
    for (const name of ['demo', 'other']) {
      const metadata = { name };
      await admin.create(`${group}/clusters`, {
        apiVersion: `${usualGroup}/v1`,
        kind: 'Cluster',
        metadata,
        spec: { instances: 1, storage: { size: '1Gi' } },
      });
      await admin.create(`${coordination}/leases`, { metadata });
      await admin.create(`${core}/configmaps`, { metadata });
    }
    for (const name of [...secretNamesOf('demo'), 'other']) {
      await admin.create(`${core}/secrets`, { metadata: { name }, data: {} });
    }
  });

  /** HTTP status of what the account is answered. */
  const ask = async (method: string, path: string, body?: object, contentType?: string): Promise<number> => {
    const { code } = await plane().admin.ask(method, path, { token: account.token, body, contentType });
    return code;
  };

  test.each([
    `${group}/clusters/demo`,
    `${group}/clusters?${byName}`,
    `${group}/clusters?${byName}&watch=true&timeoutSeconds=1`,
    `${group}/clusters/demo/status`,
    `${coordination}/leases/demo`,
    `${core}/configmaps/demo`,
    `${core}/configmaps?${byName}&watch=true&timeoutSeconds=1`,
    ...secretNamesOf('demo').map((name) => `${core}/secrets/${name}`),
  ])('allowed: GET %s', async (path) => {
    expect(await ask('GET', path)).toBe(200);
  });

  test.each([
    ['a list of Clusters without a name', `${group}/clusters`],
    ['a watch of Clusters without a name', `${group}/clusters?watch=true&timeoutSeconds=1`],
    ['a list by another name', `${group}/clusters?fieldSelector=metadata.name%3Dother`],
    ['a list by a label', `${group}/clusters?labelSelector=a%3Db`],
    ['Clusters of all namespaces', `/apis/${usualGroup}/v1/clusters?${byName}`],
    ['another Cluster', `${group}/clusters/other`],
    ['another Secret', `${core}/secrets/other`],
    ['a list of Secrets, even by name', `${core}/secrets?fieldSelector=metadata.name%3Ddemo-ca`],
    ['another ConfigMap', `${core}/configmaps/other`],
    ['a list of ConfigMaps, even by name', `${core}/configmaps?${byName}`],
    ['another Lease', `${coordination}/leases/other`],
    ['a list of Leases, even by name', `${coordination}/leases?${byName}`],
    ['a watch of Leases, even by name', `${coordination}/leases?${byName}&watch=true&timeoutSeconds=1`],
    ['Pods, its own too', `${core}/pods/demo-1`],
    ['Events', `${core}/events`],
    ['Services', `${core}/services`],
    ['its own ServiceAccount', `${core}/serviceaccounts/demo`],
    ['Nodes', '/api/v1/nodes'],
  ])('forbidden: %s', async (_, path) => {
    expect(await ask('GET', path)).toBe(403);
  });

  test('of the Cluster only the status is written', async () => {
    const merge = (path: string, body: object) => ask('PATCH', path, body, mergePatch);
    expect(await merge(`${group}/clusters/demo/status`, { status: { phase: 'x' } })).toBe(200);
    expect(await merge(`${group}/clusters/demo`, { metadata: { annotations: { a: 'b' } } })).toBe(403);
    expect(await merge(`${group}/clusters/demo`, { status: { phase: 'y' } })).toBe(403);
    expect(await merge(`${group}/clusters/other/status`, { status: { phase: 'x' } })).toBe(403);
    expect(await ask('DELETE', `${group}/clusters/demo`)).toBe(403);
    const cluster = await plane().admin.get(`${group}/clusters/demo`);
    expect(cluster.status.phase).toBe('x');
  });

  test('what is not of the status is passed over in a patch of the status', async () => {
    const body = { metadata: { annotations: { a: 'b' } }, spec: { instances: 9 }, status: { phase: 'z' } };
    expect(await ask('PATCH', `${group}/clusters/demo/status`, body, mergePatch)).toBe(200);
    const { metadata, spec, status } = await plane().admin.get(`${group}/clusters/demo`);
    expect([metadata.annotations, spec.instances, status.phase]).toEqual([undefined, 1, 'z']);
  });

  test('the Lease is read and replaced, and nothing else', async () => {
    const path = `${coordination}/leases/demo`;
    const lease: Json = await plane().admin.get(path);
    expect(await ask('PUT', path, { ...lease, spec: { holderIdentity: 'demo-1' } })).toBe(200);
    expect(await ask('PATCH', path, { spec: { holderIdentity: 'demo-2' } }, mergePatch)).toBe(403);
    expect(await ask('POST', `${coordination}/leases`, { metadata: { name: 'demo-2' } })).toBe(403);
    expect(await ask('DELETE', path)).toBe(403);
  });

  test('events are made and changed in the core group only', async () => {
    const event = {
      metadata: { name: 'demo.1' },
      involvedObject: { kind: 'Cluster', namespace: 'prod', name: 'demo' },
      ...{ reason: 'Tried', message: 'tried', type: 'Normal' },
    };
    expect(await ask('POST', `${core}/events`, event)).toBe(201);
    expect(await ask('PATCH', `${core}/events/demo.1`, { count: 2 }, mergePatch)).toBe(200);
    expect(await ask('DELETE', `${core}/events/demo.1`)).toBe(403);
    expect(await ask('POST', '/apis/events.k8s.io/v1/namespaces/prod/events', event)).toBe(403);
  });

  test('Secrets are not written', async () => {
    expect(await ask('PATCH', `${core}/secrets/demo-ca`, { data: {} }, mergePatch)).toBe(403);
    expect(await ask('POST', `${core}/secrets`, { metadata: { name: 'new' } })).toBe(403);
  });

  test('all of it is written down, with who has asked', () => {
    const requests = plane().requestsOf(account);
    const listing = requests.filter(({ verb, resource }) => verb === 'list' && resource === 'secrets');
    expect(listing).toMatchObject([{ name: 'demo-ca', code: 403, stage: 'ResponseComplete' }]);
    const watching = requests.filter(({ verb, code }) => verb === 'watch' && code === 200);
    expect(new Set(watching.map(({ resource, name }) => `${resource}/${name}`))).toEqual(
      new Set(['clusters/demo', 'configmaps/demo']),
    );
    expect(plane().requestsOf({ user: 'system:serviceaccount:prod:default' })).toEqual([]);
  });
});
