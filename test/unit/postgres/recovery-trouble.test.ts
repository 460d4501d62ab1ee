import { expect, test } from 'vitest';
import { classifyRecoveryTrouble } from '../../../src/postgres/recovery-trouble.ts';

test.each([
  // Seen with 15 (18 where said), word by word.
  [
    'walreceiver',
    '08P01',
    'could not receive data from WAL stream: ERROR:  requested WAL segment 000000020000000000000003 has already been removed',
    'wal removed',
  ],
  [
    'walreceiver',
    '08P01',
    'could not start WAL streaming: ERROR:  can no longer access replication slot "b"\n\tDETAIL:  This replication slot has been invalidated due to "wal_removed".',
    'wal removed',
  ],
  [
    'walreceiver',
    '08P01',
    'could not start WAL streaming: ERROR:  can no longer access replication slot "b"\n\tDETAIL:  This replication slot has been invalidated due to "idle_timeout".',
    'no such slot',
  ],
  [
    'walreceiver',
    '08P01',
    'could not start WAL streaming: ERROR:  replication slot "nope" does not exist',
    'no such slot',
  ],
  [
    'walreceiver',
    '08P01',
    'could not start WAL streaming: ERROR:  replication slot "nope" is active for PID 31726',
    'slot in use',
  ],
  [
    'walreceiver',
    '55000',
    'database system identifier differs between the primary and standby',
    'other system',
  ],
  [
    'walreceiver',
    '55000',
    'highest timeline 2 of the primary is behind recovery timeline 3',
    'timeline forked',
  ],
  [
    'startup',
    '00000',
    'new timeline 2 forked off current database system timeline 1 before current recovery point 0/3012A28',
    'timeline forked',
  ],
  [
    'walreceiver',
    '08P01',
    'could not receive data from WAL stream: ERROR:  requested starting point 0/4000000 is ahead of the WAL flush position of this server 0/3002938',
    'ahead of source',
  ],
  [
    'walreceiver',
    '08006',
    'could not connect to the primary server: connection to server on socket "/tmp/.s.PGSQL.6508" failed: No such file or directory\n\t\tIs the server running locally and accepting connections on that socket?',
    'connection',
  ],
  [
    'walreceiver',
    '08006',
    'could not send end-of-streaming message to primary: server closed the connection unexpectedly',
    'connection',
  ],
  ['walreceiver', 'XX000', 'terminating walreceiver due to timeout', 'connection'],
  // In the programs of 14 to 18.
  ['startup', '22023', "requested timeline 3 is not a child of this server's history", 'timeline forked'],
  [
    'startup',
    '22023',
    'requested timeline 3 does not contain minimum recovery point 0/3002980 on timeline 2',
    'timeline forked',
  ],
  ['startup', '00000', 'new timeline 4 is not a child of database system timeline 3', 'timeline forked'],
  [
    'walreceiver',
    '08P01',
    "could not start WAL streaming: ERROR:  requested starting point 0/4000000 on timeline 2 is not in this server's history",
    'timeline forked',
  ],
  // What belongs to a life without trouble, or to somebody else.
  ['walreceiver', '00000', 'replication terminated by primary server', undefined],
  ['walreceiver', '00000', 'started streaming WAL from primary at 0/3000000 on timeline 1', undefined],
  ['walreceiver', '57P01', 'terminating walreceiver process due to administrator command', undefined],
  ['startup', '00000', 'waiting for WAL to become available at 0/3002000', undefined],
  [
    'walsender',
    '58P01',
    'requested WAL segment 000000020000000000000003 has already been removed',
    undefined,
  ],
  ['client backend', '08006', 'connection to client lost', undefined],
  ['startup', '08006', 'anything', undefined],
])('%s %s %s', (backendType, sqlState, message, trouble) => {
  expect(classifyRecoveryTrouble(backendType, sqlState, message)).toBe(trouble);
});
