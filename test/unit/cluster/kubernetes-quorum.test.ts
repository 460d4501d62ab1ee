import { expect, test } from 'vitest';
import { KubernetesQuorum } from '../../../src/cluster/kubernetes-quorum.ts';
import type { QuorumStatus } from '../../../src/cluster/source.ts';
import { MemoryApi, stored } from './memory-api.ts';

const { signal } = new AbortController();
const status: QuorumStatus = {
  method: 'ANY',
  standbyNames: ['c-2', 'c-3'],
  standbyNumber: 1,
  primary: 'c-1',
};

function quorum(present?: object) {
  const api = new MemoryApi(stored('1'));
  if (present !== undefined) api.quorum = { metadata: { name: 'c', resourceVersion: '5' }, status: present };
  return { api, store: new KubernetesQuorum(api) };
}

test('what is promised is written as a whole, and only when it is news', async () => {
  const { api, store } = quorum({});
  expect(await store.write(status, signal)).toBe(true);
  expect(api.quorum?.status).toEqual(status);
  await store.write(status, signal);
  expect(api.quorums).toHaveLength(1);
});

test('nothing is promised by a status without members', async () => {
  const { api, store } = quorum(status);
  await store.write(undefined, signal);
  expect(api.quorum?.status).toEqual({});
  await store.write(undefined, signal);
  expect(api.quorums).toHaveLength(1);
});

test('what the operator writes meanwhile is read before it is written over', async () => {
  const { api, store } = quorum(status);
  let isFirst = true;
  api.delay = () => {
    if (isFirst) api.quorum = { metadata: { name: 'c', resourceVersion: '6' }, status: {} };
    isFirst = false;
  };
  await store.write(undefined, signal);
  expect(api.quorums.map(({ metadata }) => metadata.resourceVersion)).toEqual(['5']);
  expect(api.quorum?.status).toEqual({});
});

test('without an object there is nobody to promise anything to', async () => {
  const { store } = quorum();
  expect(await store.write(status, signal)).toBe(false);
});
