import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import {
  ClusterWatch,
  type WatchListener,
  type WatchRequests,
} from '../../../src/kubernetes/cluster-watch.ts';
import type { ApiObject } from '../../../src/kubernetes/objects.ts';

const cluster = (resourceVersion: string): ApiObject => ({
  metadata: { name: 'demo', uid: 'a', resourceVersion },
});
const lost = new ApiError('connection refused');
const internal = { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd is away' };
const event = (type: string, object: object) => JSON.stringify({ type, object });
const bookmark = event('BOOKMARK', { metadata: { resourceVersion: '5' } });
const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };

/** One watch that the server has been asked for. */
interface Asked extends WatchListener {
  readonly version: string;
  readonly signal: AbortSignal;
  /** The server ends it. */
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

/** A server whose lists and watches a test answers. */
class Script implements WatchRequests {
  readonly lists: Array<PromiseWithResolvers<{ items: readonly ApiObject[]; resourceVersion: string }>> = [];
  readonly watches: Asked[] = [];
  /** What becomes of every further watch. */
  react: ((asked: Asked) => void) | undefined;
  /** What every further list brings. */
  listed: { items: readonly ApiObject[]; resourceVersion: string } | undefined;

  list(signal: AbortSignal): Promise<{ items: readonly ApiObject[]; resourceVersion: string }> {
    const answer = Promise.withResolvers<{ items: readonly ApiObject[]; resourceVersion: string }>();
    this.lists.push(answer);
    signal.addEventListener('abort', () => answer.reject(signal.reason));
    if (this.listed !== undefined) answer.resolve(this.listed);
    return answer.promise;
  }

  /** As the real one does: what a listener throws ends the watch. */
  watch(version: string, listener: WatchListener, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onLine = (line: string) => {
      try {
        listener.onLine(line);
      } catch (error) {
        reject(error);
      }
    };
    this.watches.push({ version, signal, onBegin: listener.onBegin, onLine, end: resolve, fail: reject });
    signal.addEventListener('abort', () => reject(signal.reason));
    this.react?.(this.last);
    return promise;
  }

  get last(): Asked {
    return this.watches.at(-1)!;
  }

  send(type: string, object: object): void {
    this.last.onLine(event(type, object));
  }
}

/** Lets what has been answered have its effect. */
const settled = () => vi.advanceTimersByTimeAsync(0);

interface Told {
  readonly seen: Array<string | undefined>;
  readonly troubles: string[];
}

async function started(): Promise<Told & { script: Script; watch: ClusterWatch }> {
  const script = new Script();
  const [seen, troubles]: [Told['seen'], string[]] = [[], []];
  const watch = new ClusterWatch(script, {
    onObject: (object) => seen.push(object?.metadata.resourceVersion),
    onTrouble: ({ message }) => troubles.push(message),
  });
  watch.start();
  onTestFinished(() => watch.stop());
  await settled();
  return { script, watch, seen, troubles };
}

/** One that stands, from version 5 on. */
async function standing(): Promise<Awaited<ReturnType<typeof started>>> {
  const all = await started();
  all.script.lists[0]!.resolve({ items: [cluster('4')], resourceVersion: '5' });
  await settled();
  all.script.last.onBegin();
  await vi.advanceTimersByTimeAsync(2_000);
  return all;
}

beforeEach(() => {
  vi.useFakeTimers();
  return () => void vi.useRealTimers();
});

describe('what is told', () => {
  test('begins with what is there, and goes on from the version of the list', async () => {
    const { script, seen } = await standing();
    expect(seen).toEqual(['4']);
    expect(script.watches.map(({ version }) => version)).toEqual(['5']);
    script.send('MODIFIED', cluster('6'));
    script.send('DELETED', cluster('7'));
    script.send('ADDED', cluster('8'));
    expect(seen).toEqual(['4', '6', undefined, '8']);
  });
  test('may begin with nothing', async () => {
    const { script, seen } = await started();
    script.lists[0]!.resolve({ items: [], resourceVersion: '5' });
    await settled();
    expect(seen).toEqual([undefined]);
  });
  test('does not hold a bookmark, which only moves the version', async () => {
    const { script, seen } = await standing();
    script.send('BOOKMARK', { metadata: { resourceVersion: '90' } });
    script.last.end();
    await settled();
    expect(script.last.version).toBe('90');
    expect(seen).toEqual(['4']);
    expect(script.lists).toHaveLength(1);
  });
  test('ends when nobody wants it any more, even with lines that have come already', async () => {
    const { script, seen, watch, troubles } = await standing();
    watch.stop();
    script.send('MODIFIED', cluster('6'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual(['4']);
    expect(script.last.signal.aborted).toBe(true);
    expect(script.watches).toHaveLength(1);
    expect(troubles).toEqual([]);
  });
});

describe('a watch that ends', () => {
  test('after its time is begun anew at once, from the last version, and is no trouble', async () => {
    const { script, troubles } = await standing();
    script.send('MODIFIED', cluster('6'));
    script.last.end();
    await settled();
    expect(script.watches.map(({ version }) => version)).toEqual(['5', '6']);
    expect(troubles).toEqual([]);
  });
  test.each([
    ['at once', ({ end }: Asked) => end()],
    [
      'after a line',
      ({ onLine, end }: Asked) => {
        onLine(bookmark);
        end();
      },
    ],
    ['by an error at once', ({ fail }: Asked) => fail(lost)],
    ['with an error in it', ({ onLine }: Asked) => onLine(event('ERROR', internal))],
  ])('%s, each time, is begun anew ever more slowly and told once', async (_, end) => {
    const { script, troubles } = await standing();
    script.react = (asked) => {
      asked.onBegin();
      end(asked);
    };
    script.last.end();
    await vi.advanceTimersByTimeAsync(30_000);
    // 50 ms, doubled each time as far as 600, a quarter of it by chance.
    expect(script.watches.length).toBeGreaterThan(40);
    expect(script.watches.length).toBeLessThan(70);
    expect(troubles).toHaveLength(1);
    expect(script.lists).toHaveLength(1);
  });
  test('before it has begun, each time, is begun anew ever more slowly and told once', async () => {
    const { script, troubles } = await standing();
    script.react = ({ fail }) => fail(lost);
    script.last.fail(lost);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(script.watches.length).toBeGreaterThan(40);
    expect(script.watches.length).toBeLessThan(70);
    expect(troubles).toHaveLength(1);
  });
  test('by an error counts as the first one again once a watch has stood', async () => {
    const { script, troubles } = await standing();
    for (const round of [1, 2, 3]) {
      const { length } = script.watches;
      script.last.fail(lost);
      await vi.advanceTimersByTimeAsync(50);
      expect(script.watches).toHaveLength(length + 1);
      script.last.onBegin();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(troubles).toHaveLength(round);
    }
  });
  test('does not count as one that has stood while it only waits for its answer', async () => {
    const { script, troubles } = await standing();
    script.last.fail(lost);
    for (const _ of [1, 2, 3]) {
      await vi.advanceTimersByTimeAsync(5_000);
      script.last.fail(lost);
    }
    await vi.advanceTimersByTimeAsync(800);
    expect(troubles).toHaveLength(1);
  });
  test('by Retry-After is begun no sooner than the server asks', async () => {
    const { script } = await standing();
    script.last.fail(new ApiError('too many', { status: 429, retryAfter: 3_000 }));
    await vi.advanceTimersByTimeAsync(2_999);
    expect(script.watches).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(script.watches).toHaveLength(2);
  });
  describe.each([
    new ApiError('503 the server is currently unable', { status: 503, retryAfter: 5_000 }),
    new ApiError('429 storage is (re)initializing', { status: 429, retryAfter: 1_000 }),
  ])('by a server that is starting, and asks for more time than it needs: %s', (starting) => {
    test('is begun again within a second of the return of the server, after a long outage too', async () => {
      const { script } = await standing();
      const back = performance.now() + 10_000;
      let [asked, stands] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      script.react = ({ fail, onBegin }) => {
        const now = performance.now();
        if (now < back) return fail(lost);
        // What the first request for it makes the server begin.
        asked = Math.min(asked, now);
        if (now < asked + 150) return fail(starting);
        onBegin();
        stands = now;
      };
      script.last.fail(lost);
      await vi.advanceTimersByTimeAsync(12_000);
      expect(stands - back).toBeLessThan(1_000);
    });
    test('makes no loop when that goes on', async () => {
      const { script } = await standing();
      script.react = ({ fail }) => fail(starting);
      script.last.fail(starting);
      await vi.advanceTimersByTimeAsync(70_000);
      expect(script.watches.length).toBeLessThan(140);
    });
  });
  test('is not begun again once it is no longer wanted, however long it waits', async () => {
    const { script, watch } = await standing();
    script.last.fail(new ApiError('too many', { retryAfter: 10_000 }));
    await vi.advanceTimersByTimeAsync(5);
    watch.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(script.watches).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a version that the server no longer knows', () => {
  test.each([
    ['in the watch', (asked: Asked) => asked.onLine(event('ERROR', expired))],
    [
      'instead of a watch',
      (asked: Asked) => asked.fail(new ApiError('gone', { status: 410, reason: 'Gone' })),
    ],
  ])('told %s is forgotten at once: all is read anew, and it is no trouble', async (_, tell) => {
    const { script, seen, troubles } = await standing();
    script.send('MODIFIED', cluster('6'));
    script.last.end();
    await settled();
    tell(script.last);
    await settled();
    expect(script.lists).toHaveLength(2);
    script.lists[1]!.resolve({ items: [cluster('70')], resourceVersion: '71' });
    await settled();
    expect(script.last.version).toBe('71');
    expect(seen).toEqual(['4', '6', '70']);
    expect(troubles).toEqual([]);
  });
  test('although it has just been said makes no loop', async () => {
    const { script, troubles } = await started();
    script.listed = { items: [cluster('4')], resourceVersion: '5' };
    script.react = ({ onBegin, onLine }) => {
      onBegin();
      onLine(event('ERROR', expired));
    };
    script.lists[0]!.resolve(script.listed);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(script.lists.length).toBeLessThan(70);
    expect(troubles).toHaveLength(1);
  });
});

describe('a server that says nothing', () => {
  test('may have nothing to say: it is asked anew from the last version, without a word', async () => {
    const { script, troubles } = await standing();
    await vi.advanceTimersByTimeAsync(70_000);
    script.send('BOOKMARK', { metadata: { resourceVersion: '6' } });
    await vi.advanceTimersByTimeAsync(74_000);
    expect(script.watches).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(script.watches.map(({ version }) => version)).toEqual(['5', '6']);
    expect(script.watches[0]!.signal.aborted).toBe(true);
    script.last.onBegin();
    await vi.advanceTimersByTimeAsync(76_000);
    expect(script.watches).toHaveLength(3);
    expect(troubles).toEqual([]);
    script.last.fail(lost);
    await settled();
    expect(troubles).toEqual(['connection refused']);
  });
  test.each([
    ['to a watch', standing, ({ script }: { script: Script }) => script.last.end()],
    ['to a list', started, () => {}],
  ])('%s is asked again much sooner', async (_, begin, next) => {
    const all = await begin();
    next(all);
    const asked = () => all.script.watches.length + all.script.lists.length;
    await settled();
    const before = asked();
    await vi.advanceTimersByTimeAsync(9_900);
    expect(asked()).toBe(before);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked()).toBe(before + 1);
    expect(all.troubles).toEqual(['watch: no answer within 10 s']);
  });
});
