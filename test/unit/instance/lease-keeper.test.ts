import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { LeaseRecord, LeaseStore } from '../../../src/cluster/source.ts';
import { LeaseKeeper, type LeaseKeeperOptions } from '../../../src/instance/lease-keeper.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';

const free: LeaseRecord = {
  holder: '',
  durationSeconds: 1,
  acquireTime: '',
  renewTime: '',
  transitions: 0,
  resourceVersion: '0',
};
/** Much longer than these tests last: whatever happens in time happens because of an event. */
const timings = {
  duration: 3_600_000,
  renewDeadline: 2_400_000,
  retryPeriod: 600_000,
  releasedDuration: 1_000,
};

/** A store in memory; requests are answered when the test lets them. */
class SlowStore implements LeaseStore {
  record: LeaseRecord | undefined;
  readonly asked: Array<'read' | 'write'> = [];
  #listener = () => {};
  #gate: PromiseWithResolvers<void> | undefined;

  constructor(record: LeaseRecord | undefined) {
    this.record = record;
  }

  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  letGo(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Somebody else writes. */
  set(change: Partial<LeaseRecord>): void {
    const before = this.record ?? free;
    this.record = { ...before, ...change, resourceVersion: `${before.resourceVersion}+` };
    this.#listener();
  }

  /** The answer is of the moment of the request. */
  async read(): Promise<LeaseRecord | undefined> {
    const { record } = this;
    this.asked.push('read');
    await this.#gate?.promise;
    return record;
  }

  async write(record: LeaseRecord): Promise<LeaseRecord | 'conflict'> {
    this.asked.push('write');
    await this.#gate?.promise;
    if (record.resourceVersion !== this.record?.resourceVersion) return 'conflict';
    this.set(record);
    return this.record;
  }

  watch(listener: () => void): () => void {
    this.#listener = listener;
    return () => {};
  }
}

function keeperOf(
  store: LeaseStore,
  askOthers?: LeaseKeeperOptions['askOthers'],
  times = timings,
): LeaseKeeper {
  const keeper = new LeaseKeeper({
    me: 'c-1',
    store,
    timings: times,
    clock: () => performance.now(),
    isHealthy: () => true,
    askOthers,
    onChange: () => {},
    log: pino({ level: 'silent' }),
  });
  onTestFinished(() => keeper.leave(0));
  return keeper;
}

test('a lease that is given back while it is being read is seen at once', async () => {
  const store = new SlowStore({ ...free, holder: 'c-2', durationSeconds: 3_600 });
  const keeper = keeperOf(store);
  store.hold();
  keeper.intend('hold');
  await vi.waitFor(() => expect(store.asked).toEqual(['read']));
  store.set({ holder: '' });
  store.letGo();
  await vi.waitFor(() => expect(keeper.facts.standing).toBe('held'));
  expect(store.asked).toEqual(['read', 'read', 'write']);
});

test('what a holder writes itself is no news', async () => {
  const store = new SlowStore(free);
  const keeper = keeperOf(store);
  keeper.intend('hold');
  await vi.waitFor(() => expect(keeper.facts.standing).toBe('held'));
  store.set({});
  await new Promise((resolve) => setImmediate(resolve));
  expect(store.asked).toEqual(['read', 'write']);
});

test('a lease that is missing is made again where that is our business, and not claimed before it has run out', async () => {
  const store = new SlowStore(undefined);
  const remake = async () => {
    store.record ??= { ...free, holder: '(somebody)' };
    return store.record;
  };
  const keeper = keeperOf(Object.assign(store, { remake }));
  keeper.intend('hold');
  await vi.waitFor(() => expect(keeper.holder).toBe('(somebody)'));
  expect(keeper.facts.standing).toBe('none');
  expect(store.asked).toEqual(['read']);
});

test('a question that fails is not the last one', async () => {
  const store = new SlowStore(free);
  let asked = 0;
  const keeper = keeperOf(store, async () => {
    asked += 1;
    if (asked === 1) throw new Error('key values mismatch');
    return true;
  });
  keeper.intend('hold');
  await vi.waitFor(() => expect(keeper.facts.standing).toBe('held'));
  store.read = () => Promise.reject(new Error('away'));
  // Until the record is forgotten, the store is only written to.
  store.write = () => Promise.reject(new Error('away'));
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + timings.retryPeriod);
  onTestFinished(() => void vi.restoreAllMocks());
  keeper.expectRelease();
  await vi.waitFor(() => expect(asked).toBe(1));
  await vi.waitFor(() => {
    store.set({});
    expect(asked).toBe(2);
  });
});

test.each([
  ['after the pause that it asks for', 300, 300],
  ['in time for the deadline, whatever it asks for', 60_000, 1_000],
])('a store that turns us away is asked again %s', async (_, retryAfter, expected) => {
  const store = new SlowStore(free);
  const asked: number[] = [];
  store.read = () => {
    asked.push(performance.now());
    return Promise.reject(new ApiError('429', { status: 429, retryAfter }));
  };
  const times = { ...timings, renewDeadline: 2_000, retryPeriod: 20 };
  keeperOf(store, undefined, times).intend('hold');
  await vi.waitFor(() => expect(asked).toHaveLength(2), { timeout: 5_000 });
  expect(asked[1]! - asked[0]!).toBeGreaterThanOrEqual(expected - 1);
});
