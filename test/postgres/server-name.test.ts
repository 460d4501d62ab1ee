import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Manager } from '../support/manager.ts';
import { renamedServer } from '../support/programs.ts';

test('a server of another name (POSTGRES_NAME) makes a database, is taken over, and ends in order', async () => {
  const start = {
    env: { POSTGRES_NAME: 'edb-postgres' },
    options: ['--bindir', renamedServer('edb-postgres').directory],
  };
  const first = await (await Manager.start(start)).ready();
  const { home, port, postmasterPid: server } = first;
  expect(readFileSync(`/proc/${server}/comm`, 'utf8')).toBe('edb-postgres\n');
  first.signal('SIGKILL');
  await first.ended();
  const second = await (await Manager.start({ ...start, home, port })).ready();
  await second.message('taking over a server');
  expect(second.postmasterPid).toBe(server);
  expect((await second.stop()).code).toBe(0);
  expect(second.clusterState).toBe('shut down');
});
