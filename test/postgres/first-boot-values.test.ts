import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { remains } from '../support/first-boot.ts';
import { Manager, temporaryDirectory } from '../support/manager.ts';
import { refusal } from '../support/refusal.ts';

const password = { POSTGRES_PASSWORD: 'sekret9' };

test.each([
  [{ POSTGRES_USER: 'we"ird' }, 'POSTGRES_USER'],
  [{ POSTGRES_HOST_AUTH_METHOD: 'bogus' }, 'POSTGRES_HOST_AUTH_METHOD'],
  [{ POSTGRES_INITDB_ARGS: '-D elsewhere' }, 'PGDATA'],
  [{ POSTGRES_INITDB_WALDIR: 'wal' }, 'POSTGRES_INITDB_WALDIR'],
])('%j is refused before initdb, and the next start makes the database', async (environment, told) => {
  const home = temporaryDirectory();
  const authentication = { ...password, ...environment } as Record<string, string>;
  const { code, exit, error } = await refusal({ home, authentication });
  expect([code, exit]).toEqual(['BAD_ARGUMENT', 1]);
  expect(error).toContain(told);
  expect(readdirSync(join(home, 'data'))).toEqual([]);
  const manager = await (await Manager.start({ home, authentication: password })).ready();
  expect(remains(manager)).toEqual([]);
});

test('a method that only the server can judge is tried before the database counts as made', async () => {
  const home = temporaryDirectory();
  const wrong = { ...password, POSTGRES_HOST_AUTH_METHOD: 'scram-sha-256 nonsense=1' };
  expect(await refusal({ home, authentication: wrong })).toMatchObject({
    code: 'PARAMETER_INVALID',
    exit: 1,
  });
  const right = { ...password, POSTGRES_HOST_AUTH_METHOD: 'ident map=none' };
  const manager = await (await Manager.start({ home, authentication: right })).ready();
  expect(await manager.query("SELECT auth_method FROM pg_hba_file_rules WHERE address = 'all'")).toBe(
    'ident',
  );
  expect(remains(manager)).toHaveLength(1);
});

test('a database that is there starts, whatever would be wrong with a new one', async () => {
  const first = await (await Manager.start({ authentication: password })).ready();
  await first.stop();
  const authentication = { ...password, POSTGRES_HOST_AUTH_METHOD: 'bogus' };
  const again = await (await Manager.start({ home: first.home, authentication })).ready();
  expect(existsSync(join(again.dataDirectory, 'PG_VERSION'))).toBe(true);
});
