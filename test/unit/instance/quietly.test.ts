import type { Client } from 'pg';
import { expect, test } from 'vitest';
import { quietly } from '../../../src/instance/quietly.ts';

test('of a session that breaks, what broke it is told, and not that nothing can be said any more', async () => {
  let isBroken = false;
  const query = async (sql: string) => {
    if (isBroken) throw new Error('the client has ended');
    return { rows: sql.startsWith('WITH') ? [{ name: 'log_statement' }] : [] };
  };
  const work = async () => {
    isBroken = true;
    throw new Error('server closed the connection');
  };
  await expect(quietly({ query } as unknown as Client, work)).rejects.toThrow('server closed the connection');
});
