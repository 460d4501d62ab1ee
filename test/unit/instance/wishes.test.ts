import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ClusterSpec } from '../../../src/cluster/cluster.ts';
import type { ClusterReading, ClusterSource } from '../../../src/cluster/source.ts';
import type { ClusterBinding, DesiredState } from '../../../src/instance/settings.ts';
import { Wishes } from '../../../src/instance/wishes.ts';
import { clusterOf } from '../cluster/support.ts';

/** As the description does: throws for a Cluster with -1 instances, and takes the primary from the status. */
const describe: ClusterBinding['describe'] = ({ cluster }) => {
  if (cluster.spec.instances === -1) throw new Error('impossible');
  return {
    clusterName: `${cluster.spec.instances} led by ${cluster.status?.currentPrimary}`,
    policyFor: () => ({ smartSeconds: 0, fastSeconds: 0, immediateSeconds: cluster.spec.instances ?? 1 }),
  } as unknown as DesiredState;
};

async function wishesOf(spec: ClusterSpec) {
  let reading = readingOf(spec, 'c-1');
  const source = {
    kind: 'file',
    read: async () => reading,
    watch: () => () => {},
  } as unknown as ClusterSource;
  const wishes = new Wishes({ source, describe }, () => 0, pino({ enabled: false }));
  await wishes.start(new AbortController().signal);
  const changeTo = async (next: ClusterReading) => {
    reading = next;
    await wishes.view.refresh();
    return wishes.present;
  };
  return { wishes, changeTo };
}

test('a specification that cannot be understood keeps nobody from following the next primary', async () => {
  const { changeTo: change } = await wishesOf({ instances: 3 });
  const changeTo = async (reading: ClusterReading) => (await change(reading)).clusterName;
  expect(await changeTo(readingOf({ instances: -1 }, 'c-1'))).toBe('3 led by c-1');
  expect(await changeTo(readingOf({ instances: -1 }, 'c-2'))).toBe('3 led by c-2');
  expect(await changeTo(readingOf({ instances: 5 }, 'c-3'))).toBe('5 led by c-3');
});

test('an isolated server has the time that lay between the times of the lease when the process began', async () => {
  const { changeTo } = await wishesOf({ instances: 3 });
  const { policyFor } = await changeTo(readingOf({ instances: 12 }, 'c-1'));
  expect(policyFor('isolation').immediateSeconds).toBe(3);
  expect(policyFor('stop requested').immediateSeconds).toBe(12);
});

test('what changes while the instance is still being made ready is not missed, however early it comes', async () => {
  const before = readingOf({ instances: 3 }, '');
  const source = {
    kind: 'kubernetes',
    read: async () => before,
    watch: (onChange: (pushed: ClusterReading) => void) => {
      onChange(readingOf({ instances: 3 }, 'c-1'));
      return () => {};
    },
  } as unknown as ClusterSource;
  const wishes = new Wishes({ source, describe }, () => 0, pino({ enabled: false }));
  await wishes.start(new AbortController().signal);
  expect(wishes.present.clusterName).toBe('3 led by c-1');
});

function readingOf(spec: ClusterSpec, currentPrimary: string): ClusterReading {
  return {
    cluster: clusterOf({ spec, status: { currentPrimary } }),
    resourceVersion: JSON.stringify([spec, currentPrimary]),
  };
}
