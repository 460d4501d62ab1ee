import type { Client } from 'pg';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { SecretContent } from '../../../../src/instance/secret-reader.ts';
import type { StepContext } from '../../../../src/instance/step-context.ts';
import { PasswordUpkeep } from '../../../../src/instance/upkeep/passwords.ts';
import { clusterOf } from '../../cluster/support.ts';

const never = new AbortController().signal;

/** A primary whose superuser has a password from a Secret, and what its server was told to store. */
function primary() {
  const stored: string[] = [];
  let secret: SecretContent | undefined;
  let pid = 1;
  const client = {
    query: async (sql: string) => {
      if (sql.startsWith('ALTER ROLE')) stored.push(sql);
      return { rows: [] };
    },
  } as unknown as Client;
  const upkeep = new PasswordUpkeep({ read: async () => secret });
  const settle = () => {
    const cluster = clusterOf({ spec: { enableSuperuserAccess: true } });
    const view = { latest: { cluster } };
    const step = { view, server: { postmaster: { pid } }, log: pino({ enabled: false }) };
    return upkeep.settle(step as unknown as StepContext, client, never);
  };
  const put = (password: string, version: string) => {
    const members = { username: 'postgres', password };
    const data = new Map(Object.entries(members).map(([key, text]) => [key, Buffer.from(text)]));
    secret = { data, version, annotations: {} };
  };
  return { stored, settle, put, restart: () => (pid += 1) };
}

test('a password is stored once for each version of its Secret, and not at every pass or restart', async () => {
  const { stored, settle, put, restart } = primary();
  put('one', '1');
  await settle();
  await settle();
  restart();
  await settle();
  expect(stored).toHaveLength(1);
  put('two', '2');
  restart();
  await settle();
  expect(stored).toHaveLength(2);
  expect(stored.join()).not.toMatch(/'(one|two)'/);
});

test('a Secret that is made later, without a word in the Cluster, is found by a regular pass', async () => {
  const { stored, settle, put } = primary();
  await settle();
  put('one', '1');
  const time = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => time + 30_000);
  onTestFinished(() => void vi.restoreAllMocks());
  await settle();
  expect(stored).toHaveLength(1);
});
