import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataRoleOf, lookAtData } from '../../../src/instance/data-role.ts';
import { tornMarker } from '../../../src/postgres/data-directory.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { directoryWith } from './support.ts';

test.each([
  ['empty', []],
  ['empty', ['lost+found/x']],
  ['empty', ['.aborted-init-20261126T000000-1/PG_VERSION']],
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

test('a directory that is not there holds nothing', () => {
  const directory = directoryWith();
  rmSync(directory, { recursive: true });
  expect(dataRoleOf(directory)).toBe('empty');
});

test('what has lost its PG_VERSION is not empty', () => {
  const directory = directoryWith('PG_VERSION', 'global/pg_control');
  renameSync(join(directory, 'PG_VERSION'), join(directory, 'PG_VERSION.away'));
  expect(lookAtData(directory)).toEqual({
    data: 'unclear',
    problem: `${directory} is not empty, and has no PG_VERSION`,
    isOnOldTimeline: false,
  });
});

test.each(['PG_VERSION', 'standby.signal', '.join-unfinished', '.init-unfinished'])(
  'a %s that cannot be looked at is not taken for absent',
  (name) => {
    const directory = directoryWith('PG_VERSION', 'standby.signal');
    rmSync(join(directory, name), { force: true });
    symlinkSync(name, join(directory, name));
    const { data, problem } = lookAtData(directory);
    expect(data).toBe('unclear');
    expect(problem).toContain('ELOOP');
  },
);

test('a primary that was made on the timeline of before is known by its mark', () => {
  expect(lookAtData(directoryWith('PG_VERSION', '.promoted-in-place')).isOnOldTimeline).toBe(true);
  expect(
    lookAtData(directoryWith('PG_VERSION', 'standby.signal', '.promoted-in-place')).isOnOldTimeline,
  ).toBe(false);
});
