import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import type { ClusterReading, ClusterSource } from '../../../src/cluster/source.ts';
import type { ClusterStatus } from '../../../src/cluster/status.ts';
import { ClusterView } from '../../../src/instance/cluster-view.ts';

/** A source whose answers come when the test says so. */
class Source implements ClusterSource {
  readonly kind = 'file';
  readonly isOrdered = false;
  readonly lease = undefined as never;
  readonly reads: Array<PromiseWithResolvers<ClusterReading>> = [];
  changed: () => void = () => {};

  read(): Promise<ClusterReading> {
    const read = Promise.withResolvers<ClusterReading>();
    this.reads.push(read);
    return read.promise;
  }

  watch(onChange: () => void): () => void {
    this.changed = onChange;
    return () => {};
  }

  written: Promise<ClusterReading | undefined> = Promise.resolve(reading('written'));

  updateStatus(
    change: (status: ClusterStatus) => ClusterStatus | undefined,
  ): Promise<ClusterReading | undefined> {
    change({});
    return this.written;
  }
}

function reading(resourceVersion: string): ClusterReading {
  return { cluster: {} as Cluster, resourceVersion };
}

async function started() {
  const source = new Source();
  let time = 100;
  const view = new ClusterView(source, () => time, pino({ level: 'silent' }));
  const start = view.start(new AbortController().signal);
  source.reads[0]!.resolve(reading('1'));
  await start;
  const seen: string[] = [];
  view.onChange(() => seen.push(view.latest!.resourceVersion));
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { source, view, seen, settle, at: (now: number) => (time = now) };
}

test('a reading that is required is asked for, and told of also when it says nothing new', async () => {
  const { source, view, seen, settle, at } = await started();
  expect(view.readAt).toBe(100);
  at(200);
  view.requireNewerThan(150);
  view.requireNewerThan(150);
  expect(source.reads).toHaveLength(2);
  at(300);
  source.reads[1]!.resolve(reading('1'));
  await settle();
  expect([view.readAt, seen, source.reads.length]).toEqual([200, ['1'], 2]);
  view.requireNewerThan(200);
  expect(source.reads).toHaveLength(2);
});

test('a reading that was under way before is not the one that is required', async () => {
  const { source, view, seen, settle, at } = await started();
  at(200);
  source.changed();
  at(250);
  view.requireNewerThan(250);
  source.reads[1]!.resolve(reading('1'));
  await settle();
  expect([view.readAt, seen]).toEqual([200, []]);
  source.reads[2]!.resolve(reading('1'));
  await settle();
  expect([view.readAt, seen]).toEqual([250, ['1']]);
});

test('what was written here is not replaced by what a request of before has seen', async () => {
  const { source, view, seen, settle, at } = await started();
  at(200);
  source.changed();
  await view.update((status) => status, new AbortController().signal);
  source.reads[1]!.resolve(reading('1'));
  await settle();
  expect(view.latest?.resourceVersion).toBe('written');
  source.reads[2]!.resolve(reading('newest'));
  await settle();
  expect(seen).toEqual(['written', 'newest']);
});

test('what was written here does not stay when something newer was read before that was known', async () => {
  const { source, view, settle, at } = await started();
  const write = Promise.withResolvers<ClusterReading>();
  source.written = write.promise;
  const update = view.update((status) => status, new AbortController().signal);
  at(200);
  source.changed();
  source.reads[1]!.resolve(reading('newer'));
  await settle();
  write.resolve(reading('written'));
  await update;
  source.reads[2]?.resolve(reading('newer'));
  await settle();
  expect(view.latest?.resourceVersion).toBe('newer');
});

test('a change for which nobody was asked makes no reading of now of one of before', async () => {
  const { source, view, at } = await started();
  source.written = Promise.resolve(undefined);
  at(200);
  expect(await view.update(() => undefined, new AbortController().signal)).toBe(view.latest);
  expect(view.readAt).toBe(100);
  view.requireNewerThan(150);
  expect(source.reads).toHaveLength(2);
});
