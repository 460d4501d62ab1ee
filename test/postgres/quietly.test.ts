import { expect, test } from 'vitest';
import { quietly } from '../../src/instance/quietly.ts';
import { Manager } from '../support/manager.ts';

test('a password is set without a trace in the log, however much the server logs', async () => {
  const server = ['log_statement=all', 'log_min_duration_statement=0', 'log_transaction_sample_rate=1'];
  const manager = await (await Manager.start({ server: server.flatMap((one) => ['-c', one]) })).ready();
  const session = await manager.connect();
  const set = (role: string) => session.query(`ALTER ROLE ${role} PASSWORD 'sekret9'`);
  await quietly(session, async () => void (await set('postgres')));
  const failed = quietly(session, async () => void (await set('nobody')));
  await expect(failed).rejects.toThrow('role "nobody" does not exist');
  await manager.query("DO $$ BEGIN RAISE LOG 'all is said'; END $$");
  await manager.line('the last record', ({ record }) => record?.message === 'all is said');
  expect(manager.lines.some(({ record }) => record?.message?.includes('statement: DO') === true)).toBe(true);
  expect(JSON.stringify(manager.lines)).not.toContain('sekret9');
});
