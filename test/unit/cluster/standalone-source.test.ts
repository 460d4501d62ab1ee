import { expect, test } from 'vitest';
import { bareCluster, standaloneSource } from '../../../src/cluster/standalone-source.ts';

const never = new AbortController().signal;

test('an instance alone is chosen from the beginning, and says itself when it is the primary', async () => {
  const source = standaloneSource('c-1', () => bareCluster('c'));
  const { cluster } = await source.read(never);
  expect(cluster).toMatchObject({
    metadata: { name: 'c' },
    status: { targetPrimary: 'c-1', instanceNames: ['c-1'] },
  });
  expect(cluster.status?.currentPrimary).toBeUndefined();
});

test('what it shall be is read every time, and its version changes with it', async () => {
  let stopDelay = 1;
  const source = standaloneSource('c-1', async () => ({ ...bareCluster('c'), spec: { stopDelay } }));
  const first = await source.read(never);
  expect(await source.read(never)).toBe(first);
  stopDelay = 2;
  const second = await source.read(never);
  expect(second.cluster.spec).toEqual({ stopDelay: 2 });
  expect(second.resourceVersion).not.toBe(first.resourceVersion);
});

test('its status is kept in memory', async () => {
  const source = standaloneSource('c-1', () => bareCluster('c'));
  const changed = await source.updateStatus((status) => ({ ...status, phase: 'x' }), never);
  expect(changed?.cluster.status).toMatchObject({ phase: 'x', targetPrimary: 'c-1' });
  expect(await source.updateStatus(() => undefined, never)).toBe(changed);
});

test('it holds the lease, whatever is written', async () => {
  const { lease } = standaloneSource('c-1', () => bareCluster('c'));
  const held = (await lease.read(never))!;
  expect(held.holder).toBe('c-1');
  // Who gives it back must see that, or would wait for it.
  expect(await lease.write({ ...held, holder: '' }, never)).toMatchObject({ holder: '' });
  expect(await lease.read(never)).toMatchObject({ holder: 'c-1' });
});

test('a file that cannot be read is an error of the reading', async () => {
  const source = standaloneSource('c-1', () => Promise.reject(new Error('line 5')));
  await expect(source.read(never)).rejects.toThrow('line 5');
});
