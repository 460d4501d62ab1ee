import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KubernetesSource } from '../../../src/cluster/kubernetes-source.ts';
import type { ClusterReading } from '../../../src/cluster/source.ts';
import type { ClusterStatus } from '../../../src/cluster/status.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { ApiObject } from '../../../src/kubernetes/objects.ts';
import { MemoryApi, stored } from './memory-api.ts';

const never = new AbortController().signal;

function started(cluster: ApiObject = stored('5', { phase: 'x' })) {
  const api = new MemoryApi(cluster);
  const troubles: string[] = [];
  const source = new KubernetesSource(api, { onTrouble: ({ message }) => troubles.push(message) });
  const pushed: Array<string | undefined> = [];
  const stop = source.watch((reading) => pushed.push(versionOf(reading)));
  return { api, source, pushed, stop, troubles };
}

const versionOf = (reading: ClusterReading | undefined) => reading?.cluster.metadata.resourceVersion;
const phase = (wanted: string) => (status: ClusterStatus) => ({ ...status, phase: wanted });

describe('a reading', () => {
  test('is what is stored, with a version that no other Cluster shares', async () => {
    const { api, source } = started();
    const first = await source.read(never);
    expect(first.cluster).toEqual(api.cluster);
    api.cluster = stored('5', {}, 'b');
    expect((await source.read(never)).resourceVersion).not.toBe(first.resourceVersion);
  });
  test('that took long is not older than what the watch has brought meanwhile', async () => {
    const { api, source, pushed } = started();
    api.delay = () => api.push(stored('7', { phase: 'z' }));
    expect(versionOf(await source.read(never))).toBe('7');
    expect(pushed).toEqual(['7']);
  });
  test('is never older than any before it, by whatever way and in whatever order answers come', async () => {
    const way = fc.constantFrom('read', 'watch', 'write');
    const answers = fc.array(fc.tuple(way, fc.integer({ min: 1, max: 200 })), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(answers, async (all) => {
        const { api, source, pushed } = started(stored('1'));
        const given: number[] = [];
        for (const [kind, version] of all) {
          if (kind === 'watch') {
            const { length } = pushed;
            api.push(stored(String(version)));
            if (pushed.length > length) given.push(Number(pushed.at(-1)));
            continue;
          }
          // The server that answers may be one that is behind.
          api.cluster = stored(String(version));
          const answer =
            kind === 'read' ? source.read(never) : source.updateStatus(phase(String(version)), never);
          const reading = await answer;
          if (reading !== undefined) given.push(Number(versionOf(reading)));
        }
        expect(given).toEqual(given.toSorted((a, b) => a - b));
      }),
    );
  });
  test('that cannot be had is CLUSTER_UNREADABLE, with what the server said', async () => {
    const { api, source } = started();
    const cause = new ApiError('GET: 403 forbidden', { status: 403 });
    api.before = () => Promise.reject(cause);
    const failed = { code: 'CLUSTER_UNREADABLE', message: 'GET: 403 forbidden', cause };
    await expect(source.read(never)).rejects.toMatchObject(failed);
  });
  test('that is called off rejects with the reason of its signal', async () => {
    const { api, source } = started();
    const controller = new AbortController();
    api.before = () => controller.abort('enough');
    await expect(source.read(controller.signal)).rejects.toBe('enough');
  });
});

describe('the watch', () => {
  test('hands over what has changed', () => {
    const { api, pushed } = started();
    for (const version of ['5', '6', '17']) api.push(stored(version));
    expect(pushed).toEqual(['5', '6', '17']);
  });
  test('passes over what is known already, and what is older', async () => {
    const { api, source, pushed } = started();
    await source.read(never);
    for (const version of ['5', '4', '6', '6', '5', '7']) api.push(stored(version));
    expect(pushed).toEqual(['6', '7']);
  });
  test('lets what a Cluster said last stand when it is deleted', async () => {
    const { api, pushed } = started();
    api.push(stored('6'));
    api.push(undefined);
    expect(pushed).toEqual(['6']);
  });
  test('hands over another Cluster of the same name, whatever its number', async () => {
    const { api, source, pushed } = started();
    await source.read(never);
    api.push(undefined);
    api.push(stored('9', {}, 'b'));
    api.push(stored('10', {}, 'b'));
    api.push(stored('3', {}, 'c'));
    expect(pushed).toEqual(['9', '10', '3']);
  });
  test('tells of trouble, and ends when nobody wants it', () => {
    const { api, stop, troubles } = started();
    api.trouble(new Error('refused'));
    expect(troubles).toEqual(['refused']);
    stop();
    expect(api.isWatched).toBe(false);
  });
});

describe('a change of the status', () => {
  test('is written as a difference, with the version that it was made from', async () => {
    const { api, source } = started(stored('5', { phase: 'x', phaseReason: 'y', instances: 3 }));
    const after = await source.updateStatus(({ phaseReason: _, ...status }) => phase('z')(status), never);
    const metadata = { resourceVersion: '5' };
    expect(api.patches).toEqual([{ metadata, status: { phase: 'z', phaseReason: null } }]);
    expect(after?.cluster.status).toMatchObject({ phase: 'z', instances: 3 });
    expect(versionOf(after)).toBe('6');
  });
  test('is made from what the watch has brought, without another request', async () => {
    const { api, source } = started();
    api.cluster = stored('8', { phase: 'from the watch' });
    api.push(api.cluster);
    const seen: unknown[] = [];
    await source.updateStatus((status) => {
      seen.push(status.phase);
      return { ...status, currentPrimary: 'demo-1' };
    }, never);
    expect([seen, api.reads]).toEqual([['from the watch'], 0]);
  });
  test.each([
    ['nothing', () => undefined],
    ['the same', (status: ClusterStatus) => ({ ...status })],
  ])('to %s asks the server for nothing', async (_, change) => {
    const { api, source } = started();
    await source.read(never);
    expect(await source.updateStatus(change, never)).toBeUndefined();
    expect([api.reads, api.patches]).toEqual([1, []]);
  });
  test('to nothing is a reading where nothing was known before', async () => {
    const { api, source } = started();
    expect(versionOf(await source.updateStatus(() => undefined, never))).toBe('5');
    expect(api.reads).toBe(1);
  });
  test('is decided anew when somebody else was first', async () => {
    const { api, source } = started();
    await source.read(never);
    api.cluster = stored('9', { phase: 'of the operator', currentPrimary: 'demo-2' });
    const seen: unknown[] = [];
    const after = await source.updateStatus((status) => {
      seen.push(status.currentPrimary);
      return { ...status, phase: 'mine' };
    }, never);
    expect(seen).toEqual([undefined, 'demo-2']);
    expect(api.patches.map(({ metadata }) => metadata?.resourceVersion)).toEqual(['5', '9']);
    expect(after?.cluster.status).toEqual({ phase: 'mine', currentPrimary: 'demo-2' });
  });
  test('is dropped when it makes no sense any more', async () => {
    const { api, source } = started();
    await source.read(never);
    api.cluster = stored('9', { phase: 'done' });
    const change = (status: ClusterStatus) => (status.phase === 'done' ? undefined : phase('done')(status));
    expect(versionOf(await source.updateStatus(change, never))).toBe('9');
    expect(api.patches).toHaveLength(1);
  });
  test('is given up after many conflicts in a row', async () => {
    const { api, source } = started();
    let version = 5;
    api.before = () => {
      version += 1;
      api.cluster = stored(String(version), { phase: `of others ${version}` });
    };
    await expect(source.updateStatus(phase('mine'), never)).rejects.toMatchObject({
      code: 'CLUSTER_CONFLICT',
    });
    expect(api.patches).toHaveLength(20);
  });
  test('that the server refuses is not tried again', async () => {
    const { api, source } = started();
    await source.read(never);
    api.before = () => Promise.reject(new ApiError('invalid', { status: 422, reason: 'Invalid' }));
    await expect(source.updateStatus(phase('y'), never)).rejects.toMatchObject({
      code: 'CLUSTER_UNREADABLE',
    });
    expect(api.patches).toHaveLength(1);
  });
  test.each([
    ['targetPrimary', { targetPrimary: 'demo-1' }],
    ['instanceNames', { instanceNames: ['demo-1'] }],
    ['instancesReportedState', { instancesReportedState: {} }],
  ])('of %s, which is not an instance to write, is refused before anything is asked', async (name, part) => {
    const { api, source } = started();
    const refused = source.updateStatus((status) => ({ ...status, phase: 'y', ...part }), never);
    await expect(refused).rejects.toThrow(`status.${name}: not an instance's to write`);
    expect(api.patches).toEqual([]);
  });
  test('that takes away what is not an instance to write is refused, too', async () => {
    const { source } = started(stored('5', { targetPrimary: 'demo-1' }));
    await expect(source.updateStatus(() => ({}), never)).rejects.toThrow('status.targetPrimary');
  });
});

test('closing it lets go of the connections', () => {
  const { api, source } = started();
  source.close();
  expect(api.isClosed).toBe(true);
});
