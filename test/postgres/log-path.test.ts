import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Line, Manager } from '../support/manager.ts';

const say = (text: string) => `DO $$ BEGIN RAISE LOG '${text}'; END $$`;
const said = (text: string) => (line: Line) => line.record?.message === text;

/** What lies in the directory of the pipes, and is none; but for the lock of the manager. */
function filesBesidePipes(manager: Manager): string[] {
  const directory = join(manager.home, 'run', 'private', 'log');
  return readdirSync(directory).filter(
    (name) => !name.startsWith('owner-') && !lstatSync(join(directory, name)).isFIFO(),
  );
}

test('the log path is not for server arguments, which is told', async () => {
  const server = ['-c', 'log_destination=csvlog', '--log-filename=other', '-c', 'work_mem=5MB'];
  const manager = await (await Manager.start({ server })).ready();
  await manager.query(say('by the pipe'));
  await manager.line('the record', said('by the pipe'));
  expect(await manager.message("the log path of the server is the manager's")).toMatchObject({
    level: 'warning',
    arguments: ['-c log_destination=csvlog', '--log-filename=other'],
  });
  expect(await manager.query('SHOW work_mem')).toBe('5MB');
  expect(filesBesidePipes(manager)).toEqual([]);
});

test('the log path is not for ALTER SYSTEM, neither after a reload nor after a restart', async () => {
  const manager = await (await Manager.start()).ready();
  const session = await manager.connect();
  await session.query(`ALTER SYSTEM SET log_directory = '${join(manager.home, 'elsewhere')}'`);
  await session.query("ALTER SYSTEM SET log_destination = 'csvlog,stderr'");
  await session.query('ALTER SYSTEM SET logging_collector = off');
  await session.query('SELECT pg_reload_conf()');
  await manager.line(
    'the reload',
    (line) => line.record?.message?.startsWith('parameter "logging_collector" cannot be changed') === true,
  );
  await manager.query(say('after the reload'));
  await manager.line('the record', said('after the reload'));
  // The server would take logging_collector for one that waits for a restart, after which it would wait again.
  const isPending = "SELECT pending_restart FROM pg_settings WHERE name = 'logging_collector'";
  expect(await manager.query(isPending)).toBe(true);
  expect(await manager.json('/pg/status')).not.toHaveProperty('pendingRestart', true);
  expect((await manager.stop()).code).toBe(0);

  const again = await (await Manager.start({ home: manager.home })).ready();
  await again.query(say('after the restart'));
  await again.line('the record', said('after the restart'));
  expect(filesBesidePipes(again)).toEqual([]);
  expect(readdirSync(manager.home)).not.toContain('elsewhere');
});
