import { describe, expect, test } from 'vitest';
import { baseBackupArguments, parseBackupProgress } from '../../../src/postgres/base-backup.ts';

test('the arguments', () => {
  const backup = { target: '/data/new', conninfo: 'host=a', checkpoint: 'fast' } as const;
  const always = ['-D', '/data/new', '-d', 'host=a', '-P', '-v', '-w', '-X', 'stream', '-c'];
  expect(baseBackupArguments(backup)).toEqual([...always, 'fast']);
  expect(
    baseBackupArguments({ ...backup, checkpoint: 'spread', walDirectory: '/wal/pg_wal', slot: '_cnpg_a_2' }),
  ).toEqual([...always, 'spread', '--waldir', '/wal/pg_wal', '--slot', '_cnpg_a_2']);
});

describe('progress', () => {
  test.each([
    ['22962/22962 kB (100%), 0/1 tablespace (...pure/lab2/base/global/pg_control)', 22962, 22962],
    ['22962/22962 kB (100%), 1/1 tablespace                                         ', 22962, 22962],
    ['    0/52949 kB (0%), 0/3 tablespaces', 0, 52949],
    [' 1000/52949 kB (1%), 0/1 tablespace\r 2000/52949 kB (3%), 0/1 tablespace', 2000, 52949],
  ])('%j', (line, doneKb, totalKb) => {
    expect(parseBackupProgress(line)).toEqual({ doneKb, totalKb });
  });
  test.each([
    '',
    'pg_basebackup: checkpoint completed',
    'pg_basebackup: write-ahead log start point: 0/2000028 on timeline 1',
    'pg_basebackup: error: could not open file "1/2 kB (0%), 0/1 tablespace"',
    '52949/52949 kB (100%) copied',
  ])('%j is none', (line) => {
    expect(parseBackupProgress(line)).toBeUndefined();
  });
});
