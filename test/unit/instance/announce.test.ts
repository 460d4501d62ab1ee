import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { ClusterReading } from '../../../src/cluster/source.ts';
import type { ClusterStatus } from '../../../src/cluster/status.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';
import { announce } from '../../../src/instance/steps/announce.ts';
import { clusterOf } from '../cluster/support.ts';

/** Announces c-2, which is chosen; `meanwhile` happens while the write waits for its turn. */
async function written(meanwhile: (world: { holdsLease: boolean; server: object }) => void) {
  const server = { postmaster: { pid: 1 } as object | undefined };
  const world = { holdsLease: true, server };
  let status: ClusterStatus = { currentPrimary: 'c-1', targetPrimary: 'c-2' };
  const view = {
    update: async (change: (before: ClusterStatus) => ClusterStatus | undefined): Promise<ClusterReading> => {
      meanwhile(world);
      status = change(status) ?? status;
      return { cluster: clusterOf({ status }), resourceVersion: '2' };
    },
  };
  const step = {
    settings: { name: 'c-2' },
    view,
    server,
    log: pino({ enabled: false }),
    holdsLease: () => world.holdsLease,
  };
  await announce(step as unknown as StepContext, new AbortController().signal);
  return status.currentPrimary;
}

test('an instance that holds the lease is announced', async () => {
  expect(await written(() => {})).toBe('c-2');
});

test('one whose lease has run out until the write is not', async () => {
  expect(await written((world) => Object.assign(world, { holdsLease: false }))).toBe('c-1');
});

test('nor one whose server has ended until then, or is another one', async () => {
  expect(await written(({ server }) => Object.assign(server, { postmaster: undefined }))).toBe('c-1');
  expect(await written(({ server }) => Object.assign(server, { postmaster: { pid: 2 } }))).toBe('c-1');
});
