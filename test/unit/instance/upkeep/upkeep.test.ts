import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import type { ClusterStatus } from '../../../../src/cluster/status.ts';
import type { LeaseHolding } from '../../../../src/instance/lease-holding.ts';
import type { StepContext } from '../../../../src/instance/step-context.ts';
import { Upkeep } from '../../../../src/instance/upkeep.ts';
import { directoryWith } from '../support.ts';

const mocked = vi.hoisted(() => ({ query: async (_sql: string): Promise<unknown> => undefined }));
vi.mock('../../../../src/postgres/io/connection.ts', () => ({
  connect: async () => ({ query: (sql: string) => mocked.query(sql), end: async () => {} }),
}));

/** Does one pass of a primary with which all of this goes wrong, and tells what it did all the same. */
async function passWith(trouble: { isReadOnly?: boolean; slots?: string; files?: () => never }) {
  const statements: string[] = [];
  const warnings: string[] = [];
  const updates: ClusterStatus[] = [];
  const asked = Promise.withResolvers<void>();
  mocked.query = async (sql) => {
    statements.push(sql);
    if (sql.includes('pg_replication_slots') && trouble.slots !== undefined) throw new Error(trouble.slots);
    if (sql.includes('pg_is_in_recovery')) return { rows: [{ timeline: 1, position: '0/3000060' }] };
    if (sql.includes('pending')) return { rows: [{ pending: true, decrease: false }] };
    return { rows: [] };
  };
  const cluster = {
    metadata: { name: 'c' },
    spec: { instances: 1 },
    status: { currentPrimary: 'c-1', targetPrimary: 'c-1', instanceNames: ['c-1'] },
  };
  const step = {
    settings: { name: 'c-1', dataDirectory: directoryWith('PG_VERSION') },
    context: { installation: { major: 17 }, dataDirectory: '/nowhere', directories: {}, port: 5432 },
    server: { postmaster: { pid: 1 }, stop: () => statements.push('stop') },
    view: {
      kind: 'file',
      latest: { cluster },
      update: async (change: (status: ClusterStatus) => ClusterStatus | undefined) => {
        if (trouble.isReadOnly === true) throw new Error('EROFS');
        updates.push(change(cluster.status) ?? cluster.status);
      },
    },
    observation: {
      phase: 'running',
      inRecovery: false,
      streaming: [],
      alignment: { goal: 'reign', step: undefined, isRefused: false },
    },
    findings: {},
    libc: { bootTime: () => 0 },
    log: pino(
      { level: 'debug' },
      {
        write: (line: string) => {
          const { level, msg, duty } = JSON.parse(line) as { level: number; msg: string; duty?: string };
          if (level === 40) warnings.push(duty ?? msg);
          if (msg === 'upkeep done') asked.resolve();
        },
      },
    ),
    desired: () => ({
      firstBoot: { superuser: 'postgres' },
      replication: undefined,
      configurationFiles: trouble.files ?? (() => new Map()),
    }),
  } as unknown as StepContext;
  const upkeep = new Upkeep(step, { facts: { standing: 'lost' } } as LeaseHolding, {
    statusPort: 8000,
    podDuties: undefined,
  });
  upkeep.trigger();
  await asked.promise;
  upkeep.stop();
  return { statements, warnings, updates };
}

test('a status that cannot be written keeps no restart from being done', async () => {
  const { statements, warnings } = await passWith({ isReadOnly: true });
  expect(statements).toContain('stop');
  expect(warnings).toEqual(expect.arrayContaining(['registration', 'report']));
});

test('slots that cannot be settled keep no restart from being done, and the report from being written', async () => {
  const { statements, warnings, updates } = await passWith({ slots: 'all replication slots are in use' });
  expect(statements).toContain('stop');
  expect(warnings).toContain('slots');
  expect(updates.at(-1)?.instancesReportedState?.['c-1']).toMatchObject({ pendingRestart: true });
});

test('a configuration that cannot be written is not run with, and is reported to nobody as loaded', async () => {
  const files = () => {
    throw new Error('ENOSPC');
  };
  const { statements, warnings, updates } = await passWith({ files });
  expect(warnings).toEqual(['configuration']);
  expect(statements).not.toContain('stop');
  const state = updates.at(-1)?.instancesReportedState?.['c-1'];
  expect(state).toMatchObject({ pendingRestart: true });
  expect(state).not.toHaveProperty('configurationHash');
});
