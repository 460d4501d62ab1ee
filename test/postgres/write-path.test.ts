import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, Manager, temporaryDirectory } from '../support/manager.ts';
import { canFreeze, freeze, makeVolume } from '../support/volume.ts';

interface Health {
  readonly ok: boolean;
  readonly reasons: ReadonlyArray<{ readonly code: string; readonly text: string }>;
}

test.runIf(canFreeze)('WAL that does not reach the disk shows as not ready, with the reason', async () => {
  const home = temporaryDirectory();
  const volume = join(home, 'volume');
  makeVolume(volume);
  const env = { POSTGRES_INITDB_WALDIR: join(volume, 'wal') };
  const manager = await (await Manager.start({ home, env })).ready();
  await manager.query('CREATE TABLE kept(id int)');
  const session = await manager.connect();

  const thaw = freeze(volume);
  const inserted = session.query('INSERT INTO kept VALUES (1)');
  const health = async () => (await manager.json('/readyz?format=json')) as unknown as Health;
  const [reason] = await eventually('a reason', async () => {
    const { ok, reasons } = await health();
    return ok ? undefined : reasons;
  });
  expect(reason?.code).toBe('WRITE_PATH_STALLED');
  expect(reason?.text).toMatch(/^WAL is not written for \d+\.\d s: \d+ sessions wait at 0\/[0-9A-F]+$/);
  expect((await manager.get('/healthz')).code).toBe(200);
  expect((await manager.get('/startupz')).code).toBe(200);
  expect(await manager.query('SELECT count(*)::int FROM kept')).toBe(0);

  thaw();
  await inserted;
  await manager.ready();
  expect(await manager.query('SELECT count(*)::int FROM kept')).toBe(1);
  expect((await manager.stop()).code).toBe(0);
});
