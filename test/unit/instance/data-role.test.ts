import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataRoleOf } from '../../../src/instance/data-role.ts';
import { tornMarker } from '../../../src/postgres/data-directory.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { directoryWith } from './support.ts';

test.each([
  ['empty', []],
  ['empty', ['lost+found/x']],
  ['empty', ['PG_VERSION', '.init-unfinished']],
  ['empty', ['PG_VERSION', '.join-unfinished', 'standby.signal']],
  ['primary', ['PG_VERSION', 'global/pg_control']],
  ['standby', ['PG_VERSION', 'global/pg_control', 'standby.signal']],
] as const)('%s: %j', (role, names) => {
  expect(dataRoleOf(directoryWith(...names))).toBe(role);
});

test('what a rewind has been begun on is torn, whatever else it looks like', () => {
  for (const names of [
    ['PG_VERSION'],
    ['PG_VERSION', 'standby.signal'],
    ['PG_VERSION', '.join-unfinished'],
    [],
  ]) {
    const directory = directoryWith(...names);
    openLibc().mkfifo(join(directory, tornMarker), 0o600);
    expect(dataRoleOf(directory)).toBe('torn');
  }
});
