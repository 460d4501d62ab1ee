import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { component, hasProgram } from '../support/component.ts';
import { eventually, Manager, temporaryDirectory } from '../support/manager.ts';
import { mayMount, mount, run } from '../support/mount.ts';

interface Health {
  readonly ok: boolean;
  readonly reasons: ReadonlyArray<{ readonly code: string; readonly text: string }>;
}

/** A file system of its own, which fsfreeze(8) can stop: every write waits then, as on storage that has gone away. */
function makeVolume(directory: string): void {
  const image = `${directory}.img`;
  run('truncate', '-s', '256M', image);
  run('mkfs.ext4', '-q', '-F', image);
  mkdirSync(directory);
  mount(directory, '-o', 'loop', image);
  chmodSync(directory, 0o777);
}

/** @returns what lets writes go on; done in any case when the test is over, since nothing that waits can be killed */
function freeze(directory: string): () => void {
  run('fsfreeze', '--freeze', directory);
  let isFrozen = true;
  const thaw = () => {
    if (isFrozen) run('fsfreeze', '--unfreeze', directory);
    isFrozen = false;
  };
  onTestFinished(thaw);
  return thaw;
}

function mayMountLoopDevices(): boolean {
  return (
    mayMount() && existsSync('/dev/loop0') && readFileSync('/proc/filesystems', 'utf8').includes('\text4\n')
  );
}

const canFreeze = component(
  'a file system that can be frozen (CAP_SYS_ADMIN, loop devices, ext4; fsfreeze, mkfs.ext4)',
  () => hasProgram('fsfreeze') && hasProgram('mkfs.ext4'),
  mayMountLoopDevices,
);

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
