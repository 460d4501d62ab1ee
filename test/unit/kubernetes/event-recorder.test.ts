import { expect, test } from 'vitest';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import { EventRecorder, type Note } from '../../../src/kubernetes/event-recorder.ts';
import type { EventObject } from '../../../src/kubernetes/objects.ts';

const about = { apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster', metadata: { name: 'c', uid: 'u' } };
const note = (message: string): Note => ({ type: 'Normal', reason: 'Promoted', message });

function recorder() {
  const created: EventObject[] = [];
  const patched: Array<readonly [string, Partial<EventObject>]> = [];
  const troubles: string[] = [];
  let time = Date.UTC(2026, 0, 1);
  let isAway = false;
  const checkReach = () => {
    if (isAway) throw new Error('away');
  };
  const api = {
    createEvent: async (event: EventObject) => {
      checkReach();
      created.push(event);
      return event;
    },
    patchEvent: async (name: string, patch: Partial<EventObject>) => {
      checkReach();
      if (!created.some(({ metadata }) => metadata.name === name)) throw new ApiError('404', { status: 404 });
      patched.push([name, patch]);
      return about;
    },
  };
  const events = new EventRecorder({
    ...{ api, instance: 'c-1', namespace: 'n', about: () => about },
    onTrouble: ({ message }) => troubles.push(message),
    now: () => time,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const tell = async (...messages: string[]) => {
    for (const message of messages) events.record(note(message));
    await settle();
  };
  const wait = (milliseconds: number) => (time += milliseconds);
  const away = (is: boolean) => (isAway = is);
  return { tell, created, patched, troubles, wait, away };
}

test('an event says what happened to which Cluster, and who says so', async () => {
  const { tell, created } = recorder();
  await tell('c-1 has been promoted');
  expect(created).toMatchObject([
    {
      involvedObject: {
        ...{ apiVersion: about.apiVersion, kind: 'Cluster' },
        namespace: 'n',
        name: 'c',
        uid: 'u',
      },
      ...{ type: 'Normal', reason: 'Promoted', message: 'c-1 has been promoted', count: 1 },
      ...{ firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z' },
      source: { component: 'instance-manager', host: 'c-1' },
    },
  ]);
});

test('the same is counted, for ten minutes after the last time', async () => {
  const { tell, created, patched, wait } = recorder();
  await tell('a');
  wait(60_000);
  await tell('a', 'a');
  expect(created).toHaveLength(1);
  const { name } = created[0]!.metadata;
  expect(patched).toEqual([
    [name, { count: 2, lastTimestamp: '2026-01-01T00:01:00Z' }],
    [name, { count: 3, lastTimestamp: '2026-01-01T00:01:00Z' }],
  ]);
  wait(600_001);
  await tell('a');
  expect(created).toHaveLength(2);
  expect(created[1]!.metadata.name).not.toBe(name);
});

test('an instance in trouble does not flood the API', async () => {
  const { tell, created, wait } = recorder();
  for (let round = 0; round < 60; round += 1) await tell(`trouble ${round}`);
  expect(created).toHaveLength(25);
  wait(60_000);
  await tell('one', 'two', 'three');
  expect(created).toHaveLength(27);
});

test('what cannot be delivered is dropped, and what comes next is delivered', async () => {
  const { tell, created, troubles, away } = recorder();
  away(true);
  await tell('lost');
  away(false);
  await tell('told');
  expect(created.map(({ message }) => message)).toEqual(['told']);
  expect(troubles).toEqual(['away']);
});

test('one that has been taken away is made anew', async () => {
  const { tell, created, patched, troubles } = recorder();
  await tell('c-1 has been promoted');
  created.length = 0;
  await tell('c-1 has been promoted');
  await tell('c-1 has been promoted');
  expect(created).toHaveLength(1);
  expect(patched).toEqual([[created[0]?.metadata.name, expect.objectContaining({ count: 2 })]]);
  expect(troubles).toEqual([]);
});
