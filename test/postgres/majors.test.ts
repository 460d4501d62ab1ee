import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseControlFile } from '../../src/postgres/control-file.ts';
import { formatLsn } from '../../src/postgres/lsn.ts';
import { component } from '../support/component.ts';
import { Manager } from '../support/manager.ts';

const directory = (major: number) =>
  join(import.meta.dirname, '..', 'setup', 'majors', 'node_modules', `postgres-${major}`, 'native', 'bin');

describe.each([14, 15, 16, 17, 18])('PostgreSQL %i', (major) => {
  const bin = directory(major);
  const isThere = component(`the embedded server ${major}`, () => existsSync(join(bin, 'postgres')));

  test.runIf(isThere)('lives, logs with the same names, and ends in order', async () => {
    const options = ['--bindir', bin];
    const manager = await (
      await Manager.start({ options, env: { POSTGRES_DB: 'shop', LC_ALL: 'C' } })
    ).ready();
    expect(
      await manager.query("SELECT current_setting('server_version_num')::int / 10000", { database: 'shop' }),
    ).toBe(major);
    const session = await manager.connect();
    await expect(session.query('SELECT nonsense')).rejects.toThrow(/nonsense/);
    const line = await manager.line('the error', (entry) => entry.record?.error_severity === 'ERROR');
    expect(Object.keys(line.record!)).toEqual([
      'log_time',
      'user_name',
      'database_name',
      'process_id',
      'connection_from',
      'session_id',
      'session_line_num',
      'command_tag',
      'session_start_time',
      'virtual_transaction_id',
      'transaction_id',
      'error_severity',
      'sql_state_code',
      'message',
      'query',
      'query_pos',
      'backend_type',
      'query_id',
    ]);
    const status = await manager.json('/pg/status');
    const control = parseControlFile(readFileSync(join(manager.dataDirectory, 'global', 'pg_control')))!;
    expect(status).toMatchObject({
      isPrimary: true,
      timeLineID: control.timeline,
      systemID: control.systemIdentifier,
    });
    expect(control.clusterState).toBe('in production');
    const { rows } = await session.query('SELECT redo_lsn::text FROM pg_control_checkpoint()');
    expect(rows).toEqual([{ redo_lsn: formatLsn(control.redo) }]);
    expect((await manager.stop()).code).toBe(0);
    expect(manager.clusterState).toBe('shut down');
  });
});
