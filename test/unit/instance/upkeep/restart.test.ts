import type { Client } from 'pg';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { type ClusterStatus, clusterPhase } from '../../../../src/cluster/status.ts';
import type { StepContext } from '../../../../src/instance/step-context.ts';
import { RestartUpkeep } from '../../../../src/instance/upkeep/restart.ts';

const { signal } = new AbortController();
const settled = { state: 'primary serving', goal: 'reign', step: undefined, isRefused: false };
const asked = { currentPrimary: 'c-1', targetPrimary: 'c-1', phase: clusterPhase.restartInPlace };

/** The primary c-1 of a Cluster with this status, for whose server a parameter waits, or not. */
function primaryWith(status: ClusterStatus, { isPending = false, alignment = settled as object } = {}) {
  const latest = { cluster: { spec: { instances: 1 }, status } };
  const stops: string[] = [];
  const server = { postmaster: {}, stop: (event: string) => stops.push(event) };
  const observation = { phase: 'running', inRecovery: false, streaming: [], isRestarting: false, alignment };
  const update = async (change: (status: ClusterStatus) => ClusterStatus | undefined) => {
    latest.cluster.status = change(latest.cluster.status) ?? latest.cluster.status;
  };
  const step = {
    settings: { name: 'c-1' },
    server,
    view: { kind: 'file', latest, update },
    observation,
    log: pino({ enabled: false }),
  } as unknown as StepContext;
  const client = { query: async () => ({ rows: [{ pending: isPending, decrease: false }] }) };
  const restart = new RestartUpkeep(step);
  const pass = (isCurrent = true) =>
    restart.settle(client as unknown as Client, { spec: 'a', isCurrent }, signal);
  return { pass, stops, server, observation, latest, restart };
}

describe('a server is stopped for a restart', () => {
  const status = { currentPrimary: 'c-1', targetPrimary: 'c-1' };
  const cases: ReadonlyArray<[string, ClusterStatus, object]> = [
    ['amid a step', status, { ...settled, step: 'announce' }],
    ['while it is to become the primary', status, { ...settled, goal: 'lead' }],
    ['while it is fenced', status, { ...settled, goal: 'fence' }],
    ['when another one was chosen', { ...status, targetPrimary: 'c-2' }, settled],
  ];

  test.each(cases)('not %s', async (_when, present, alignment) => {
    for (const phase of [undefined, clusterPhase.restartInPlace]) {
      const { pass, stops, restart } = primaryWith(
        { ...present, ...(phase === undefined ? {} : { phase }) },
        { isPending: true, alignment },
      );
      await pass();
      expect([stops, restart.isWaiting]).toEqual([[], true]);
    }
  });

  test('when its role is settled, and it has loaded what the next one will start with', async () => {
    const { pass, stops } = primaryWith(status, { isPending: true });
    await pass(false);
    expect(stops).toEqual([]);
    await pass();
    expect(stops).toEqual(['restart']);
  });
});

describe('a restart that a person asked for', () => {
  test('is over when the next server answers, and not before', async () => {
    const { pass, stops, server, observation, latest } = primaryWith(asked);
    await pass();
    observation.phase = 'stopping';
    await pass();
    expect([stops, latest.cluster.status.phase]).toEqual([['restart'], clusterPhase.restartInPlace]);
    server.postmaster = {};
    observation.phase = 'running';
    await pass();
    expect(stops).toEqual(['restart']);
    expect(latest.cluster.status).toMatchObject({
      phase: clusterPhase.healthy,
      phaseReason: 'Primary instance restarted in-place',
    });
    latest.cluster.status = asked;
    await pass();
    expect(stops).toEqual(['restart', 'restart']);
  });
});
