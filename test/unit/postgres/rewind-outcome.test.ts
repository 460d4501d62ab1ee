import { describe, expect, test } from 'vitest';
import type { ControlFile } from '../../../src/postgres/control-file.ts';
import {
  classifyRewind,
  hasOnlyLooked,
  isRewindComplete,
  missingSegment,
} from '../../../src/postgres/rewind-outcome.ts';

describe('pg_rewind', () => {
  test('has done its work', () => {
    const lines = [
      'pg_rewind: connected to server',
      'pg_rewind: servers diverged at WAL location 0/30000D8 on timeline 1',
      '52949/52949 kB (100%) copied',
      'pg_rewind: Done!',
    ];
    expect(classifyRewind(0, lines)).toEqual({ kind: 'done' });
    expect(classifyRewind(0, [])).toEqual({ kind: 'done' });
  });
  test('has nothing to do', () => {
    const lines = [
      'pg_rewind: source and target cluster are on the same timeline',
      'pg_rewind: no rewind required',
    ];
    expect(classifyRewind(0, lines)).toEqual({ kind: 'not needed' });
    // Not what it said but how it ended decides whether it did it.
    expect(classifyRewind(1, lines).kind).toBe('try again');
  });

  // Lines of 15 as they were seen; those of other versions by the sources.
  test.each([
    [
      ['pg_rewind: error: connection to server at "127.0.0.1", port 6502 failed: Connection refused'],
      'connection to server at "127.0.0.1", port 6502 failed: Connection refused',
    ],
    [
      [
        'pg_rewind: fatal: could not connect to server: Connection refused',
        '\tIs the server running on host "10.0.0.7" and accepting',
      ],
      'could not connect to server: Connection refused',
    ],
    [
      [
        'pg_rewind: connected to server',
        'pg_rewind: error: could not fetch remote file "global/pg_control": ERROR:  permission denied for function pg_read_binary_file',
      ],
      'could not fetch remote file "global/pg_control": ERROR:  permission denied for function pg_read_binary_file',
    ],
    [
      [
        'pg_rewind: error: connection to server on socket "/run/.s.PGSQL.5432" failed: FATAL:  the database system is starting up',
      ],
      'connection to server on socket "/run/.s.PGSQL.5432" failed: FATAL:  the database system is starting up',
    ],
    [
      ['pg_rewind: fatal: source server must not be in recovery mode'],
      'source server must not be in recovery mode',
    ],
  ])('%j: no source yet, and nothing begun', (lines, why) => {
    expect(classifyRewind(1, lines)).toEqual({ kind: 'unreachable', why });
  });
  test.each([
    [
      [
        'pg_rewind: connected to server',
        'pg_rewind: servers diverged at WAL location 0/30000D8 on timeline 1',
        'pg_rewind: error: unexpected result while fetching remote files: server closed the connection unexpectedly',
        '\tThis probably means the server terminated abnormally',
      ],
      'unexpected result while fetching remote files: server closed the connection unexpectedly',
    ],
    [
      ['  12288/52949 kB (23%) copied', 'pg_rewind: error: server closed the connection unexpectedly'],
      'server closed the connection unexpectedly',
    ],
  ])('%j waits for the primary', (lines, why) => {
    expect(classifyRewind(1, lines)).toEqual({ kind: 'unreachable', why });
  });

  test.each([
    [['pg_rewind: error: something that nobody has seen yet', ''], 'something that nobody has seen yet'],
    [['out of memory', ''], 'out of memory'],
    [[], 'pg_rewind ended with 1'],
  ])('%j may be tried again', (lines, why) => {
    expect(classifyRewind(1, lines)).toEqual({ kind: 'try again', why });
  });
  test('that a signal ended may be tried again', () => {
    expect(classifyRewind(null, [])).toEqual({ kind: 'try again', why: 'a signal ended pg_rewind' });
  });

  test.each([
    ['source and target clusters are from different systems', 'REWIND_IMPOSSIBLE'],
    ['target server needs to use either data checksums or "wal_log_hints = on"', 'REWIND_IMPOSSIBLE'],
    ["could not find common ancestor of the source and target cluster's timelines", 'REWIND_IMPOSSIBLE'],
    ['clusters are not compatible with this version of pg_rewind', 'REWIND_IMPOSSIBLE'],
    ['full_page_writes must be enabled in the source server', 'REWIND_IMPOSSIBLE'],
    ['file "base/5/1" is of different type in source and target', 'REWIND_IMPOSSIBLE'],
    ['restore_command is not set in the target cluster', 'REWIND_IMPOSSIBLE'],
    ['could not restore file "000000010000000000000003" from archive', 'REWIND_NEEDS_WAL'],
    [
      'could not open file "/data/pg_wal/000000010000000000000003": No such file or directory',
      'REWIND_NEEDS_WAL',
    ],
    ['could not find previous WAL record at 0/30129B0', 'REWIND_NEEDS_WAL'],
    ['could not read file "/d/pg_wal/000000010000000000000005": read 0 of 8192', 'REWIND_NEEDS_WAL'],
    ['could not read WAL record at 0/5193A48: invalid magic number 0000', 'REWIND_NEEDS_WAL'],
    ['could not write file "/data/base/5/16384": No space left on device', 'NO_SPACE'],
  ])('%s: %s', (message, code) => {
    const lines = ['pg_rewind: connected to server', `pg_rewind: error: ${message}`, 'more'];
    expect(classifyRewind(1, lines)).toEqual({ kind: 'refused', why: message, code });
  });
  test('has the messages of the server that it starts count as well', () => {
    const lines = [
      'pg_rewind: executing "/usr/lib/postgresql/15/bin/postgres" for target server to complete crash recovery',
      '2026-11-25 19:31:46 UTC FATAL:  standby mode is not supported by single-user servers',
      'pg_rewind: error: postgres single-user mode in target cluster failed',
    ];
    expect(classifyRewind(1, lines)).toMatchObject({ kind: 'refused', code: 'REWIND_IMPOSSIBLE' });
    lines[1] = 'PANIC:  could not write to file "pg_wal/xlogtemp.7": No space left on device';
    expect(classifyRewind(1, lines)).toMatchObject({ kind: 'refused', code: 'NO_SPACE' });
  });
  test('that lost the connection and then missed a file: the missing file counts', () => {
    const lines = [
      'pg_rewind: error: could not open file "/d/pg_wal/000000010000000000000003": No such file or directory',
      'pg_rewind: error: could not read WAL record at 0/30129B0',
      'server closed the connection unexpectedly',
    ];
    expect(classifyRewind(1, lines)).toMatchObject({ code: 'REWIND_NEEDS_WAL' });
  });
});

test('the segment that pg_rewind misses is told from other files', () => {
  const missing = (path: string) => [
    'pg_rewind: connected to server',
    `pg_rewind: error: could not open file "${path}": No such file or directory`,
    'pg_rewind: error: could not find previous WAL record at 0/30129B0',
  ];
  expect(missingSegment(missing('/d/pg_wal/000000010000000000000003'))).toBe('000000010000000000000003');
  expect(missingSegment(missing('/d/pg_wal/00000002.history'))).toBeUndefined();
  expect(missingSegment(missing('/d/base/5/16384'))).toBeUndefined();
  expect(missingSegment([])).toBeUndefined();
});

test('a rewind that is complete is known by the two files that pg_rewind writes last', () => {
  const control = (clusterState: ControlFile['clusterState']): ControlFile => ({
    systemIdentifier: '1',
    clusterState,
    checkpoint: 0n,
    redo: 0n,
    timeline: 2,
    details: undefined,
  });
  const label = 'START WAL LOCATION: 0/3002610 (file 000000010000000000000003)\nBACKUP METHOD: pg_rewind\n';
  expect(isRewindComplete(control('in archive recovery'), label)).toBe(true);
  expect(isRewindComplete(control('shut down'), label)).toBe(false);
  expect(isRewindComplete(control('in archive recovery'), undefined)).toBe(false);
  expect(isRewindComplete(control('in archive recovery'), label.replace('pg_rewind', 'streamed'))).toBe(
    false,
  );
});

describe('what only looked', () => {
  const looked = [
    'pg_rewind: connected to server',
    'pg_rewind: servers diverged at WAL location 0/30000D8 on timeline 1',
  ];
  const error = 'pg_rewind: error: could not fetch file list: server closed the connection unexpectedly';
  test('has said why it gave up, and nothing of a copy', () => {
    expect(hasOnlyLooked(1, [...looked, error])).toBe(true);
    expect(hasOnlyLooked(1, [error.replace('error', 'fatal')])).toBe(true);
  });
  test.each([
    'pg_rewind: need to copy 52 MB (total source directory size is 74 MB)',
    '  512/52949 kB (0%) copied',
  ])('did not say: %s', (line) => {
    expect(hasOnlyLooked(1, [...looked, line, error])).toBe(false);
  });
  test('is not known of one that said no last word, or was killed', () => {
    expect(hasOnlyLooked(1, looked)).toBe(false);
    expect(hasOnlyLooked(null, [...looked, error])).toBe(false);
    expect(hasOnlyLooked(0, [...looked, error])).toBe(false);
  });
});
