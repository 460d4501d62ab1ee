import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { usualGroup } from '../support/crds.ts';
import { type Fault, FaultProxy, type SeenRequest } from '../support/fault-proxy.ts';
import { eventually } from '../support/manager.ts';
import { hasControlPlane, useControlPlane } from '../support/use-control-plane.ts';
import {
  type Adapter,
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

/** Milliseconds from each request to the next one. */
const gaps = (requests: readonly SeenRequest[]) =>
  requests.slice(1).map(({ at }, index) => at - (requests[index]?.at ?? 0));

describe.runIf(hasControlPlane)('something between an instance and its API server', () => {
  const plane = useControlPlane();
  const admin = () => plane().admin;
  let home: Home;
  let proxy: FaultProxy;
  beforeAll(async () => {
    await plane().applyCrds();
    home = await makeHome(plane(), usualGroup);
  });
  beforeEach(async () => {
    proxy = await FaultProxy.start(plane());
  });

  /** One that stands. */
  const watching = async (adapter: Adapter) => {
    await setPhase(admin(), home, 'before');
    const watched = new Watched(opened(adapter, proxy.port, home));
    await watched.sees('before');
    await eventually('the watch behind the list', () => proxy.watches.length === 1);
    await setPhase(admin(), home, 'standing');
    await watched.sees('standing', soon);
    return watched;
  };
  const lists = () => proxy.requests.filter(({ isWatch }) => !isWatch);
  const attempts = (count: number) => {
    const { length } = proxy.requests;
    return eventually(`${count} attempts`, () => proxy.requests.length >= length + count);
  };

  const outlasts = async (adapter: Adapter, fault: Fault) => {
    const watched = await watching(adapter);
    proxy.begin(fault);
    const { length } = proxy.requests;
    proxy.cutWatches();
    await attempts(7);
    await setPhase(admin(), home, 'meanwhile');
    proxy.end();
    await watched.sees('meanwhile', soon);
    // 50 ms, doubled as far as 600, less a quarter by chance; timers are as much as a millisecond early.
    const least = [75, 150, 300, 450, 450].map((wait) => wait - 1);
    const waits = gaps(proxy.requests.slice(length, length + 6));
    expect(waits.map((wait, index) => wait >= least[index]!)).toEqual(least.map(() => true));
    expect(watched.troubles).toHaveLength(1);
    expect(lists()).toHaveLength(1);
  };

  const faults: ReadonlyArray<readonly [string, Fault]> = [
    ['answers 500', { kind: 'answer', code: 500 }],
    ['closes connections', { kind: 'close' }],
  ];

  describe.each([ours, peer])('seen by $name', (adapter) => {
    test.each(faults)(
      'that %s is told once, asked ever more slowly, and forgotten within a second',
      (_, fault) => outlasts(adapter, fault),
    );

    test('that breaks connections costs nothing but a new watch', async () => {
      const watched = await watching(adapter);
      for (const round of [2, 3, 4]) {
        proxy.cutWatches();
        await eventually(`watch ${round}`, () => proxy.watches.length === round);
        await setPhase(admin(), home, `round ${round}`);
        await watched.sees(`round ${round}`, soon);
      }
      expect(lists()).toHaveLength(1);
    });

    test('that is slow to fail is told once', async () => {
      const watched = await watching(adapter);
      proxy.begin({ kind: 'answer', code: 500, delay: 1_100 });
      proxy.cutWatches();
      await attempts(4);
      expect(watched.troubles).toHaveLength(1);
    });

    test('that swallows everything is noticed as soon as it loses the connections', async () => {
      const watched = await watching(adapter);
      proxy.begin({ kind: 'hole' });
      await setPhase(admin(), home, 'swallowed');
      proxy.end();
      await watched.sees('swallowed', soon);
    });

    test('is not asked for what nobody waits for any more', async () => {
      const api = opened(adapter, proxy.port, home);
      proxy.begin({ kind: 'hole' });
      const controller = new AbortController();
      const asked = api.readCluster(controller.signal);
      await eventually('the request', () => proxy.requests.length === 1);
      const reason = new Error('no longer wanted');
      controller.abort(reason);
      await expect(asked).rejects.toBe(reason);
    });

    test('that closes connections which are kept is not noticed', async () => {
      const api = opened(adapter, proxy.port, home);
      await Promise.all([api.readCluster(never), api.readCluster(never)]);
      proxy.begin({ kind: 'close-kept' });
      expect((await api.readCluster(never)).metadata.name).toBe('demo');
    });

    test('sees one request for all changes', async () => {
      const watched = await watching(adapter);
      for (const phase of ['a', 'b', 'c', 'd', 'e']) {
        await setPhase(admin(), home, phase);
        await watched.sees(phase, soon);
      }
      expect(proxy.requests).toHaveLength(2);
    });
  });

  describe('seen by HttpsApi, which can more,', () => {
    const adapter = ours;

    test('that ends watches at once is told once, asked ever more slowly, and forgotten within a second', () =>
      outlasts(ours, { kind: 'end-watches' }));

    test('that asks to be left alone is left alone', async () => {
      const watched = await watching(adapter);
      proxy.begin({ kind: 'answer', code: 429, retryAfter: 1 });
      const { length } = proxy.requests;
      proxy.cutWatches();
      await attempts(3);
      await setPhase(admin(), home, 'meanwhile');
      proxy.end();
      await watched.sees('meanwhile', 1_000 + soon);
      for (const wait of gaps(proxy.requests.slice(length, length + 3))) expect(wait).toBeGreaterThan(999);
      expect(watched.troubles).toHaveLength(1);
    });

    test('that swallows a request and never answers it is asked again after ten seconds', async () => {
      proxy.begin({ kind: 'hole' });
      const watched = new Watched(opened(adapter, proxy.port, home));
      await attempts(1);
      proxy.end({ isSilent: true });
      await setPhase(admin(), home, 'after the hole');
      expect(await watched.sees('after the hole', 12_000)).toBeGreaterThan(8_000);
      expect(watched.troubles).toHaveLength(1);
    });

    test('sees few connections for many requests', async () => {
      const api = opened(adapter, proxy.port, home);
      for (let count = 0; count < 10; count += 1) await api.readCluster(never);
      expect(proxy.connections).toBe(1);
    });
  });

  describe('seen by client-node, which cannot do as much,', () => {
    test('that ends watches at once is asked only after a second, then two, and so on as far as thirty', async () => {
      await watching(peer);
      proxy.begin({ kind: 'end-watches' });
      const { length } = proxy.watches;
      proxy.cutWatches();
      await eventually('4 watches', () => proxy.watches.length >= length + 4);
      const [, second = 0, third = 0] = gaps(proxy.watches.slice(length));
      expect([second > 999, third > 1_999]).toEqual([true, true]);
    });

    test('that asks to be left alone is not left alone: the header of a watch is not handed on', async () => {
      await watching(peer);
      proxy.begin({ kind: 'answer', code: 429, retryAfter: 1 });
      const { length } = proxy.requests;
      proxy.cutWatches();
      await attempts(2);
      expect(gaps(proxy.requests.slice(length))[0]).toBeLessThan(999);
    });

    test('that swallows a request and never answers it is waited for: a list has no limit but 300 s', async () => {
      proxy.begin({ kind: 'hole' });
      const watched = new Watched(opened(peer, proxy.port, home));
      await attempts(1);
      proxy.end({ isSilent: true });
      await setPhase(admin(), home, 'after the hole');
      await expect(watched.sees('after the hole', 12_000)).rejects.toThrow('waited 12 s');
      expect(proxy.requests).toHaveLength(1);
    });

    test('sees a connection for every request', async () => {
      const api = opened(peer, proxy.port, home);
      for (let count = 0; count < 10; count += 1) await api.readCluster(never);
      expect(proxy.connections).toBe(10);
    });
  });
});
