import { describe, expect, test } from 'vitest';
import {
  hangingSince,
  hindersReplay,
  trackError,
  trackHangs,
  trackProgress,
  trackWritePath,
} from '../../../src/alignment/trackers.ts';

test('progress keeps its time while the marker stays', () => {
  const first = trackProgress(undefined, 'a', 10);
  expect(trackProgress(first, 'a', 20)).toBe(first);
  expect(trackProgress(first, 'b', 20)).toEqual({ marker: 'b', since: 20 });
});

test('the same error counts up though its numbers differ', () => {
  const first = trackError(
    undefined,
    'requested WAL segment 000000010000000000000003 has already been removed',
    1,
  );
  const again = trackError(
    first,
    'requested WAL segment 000000010000000000000004 has already been removed',
    2,
  );
  expect(again).toMatchObject({ count: 2, firstAt: 1, lastAt: 2 });
  expect(trackError(again, 'something else', 3)).toMatchObject({ count: 1, firstAt: 3 });
});

describe('the write path', () => {
  const sample = (flushed: string, waiting: number) => ({ flushed, waiting });
  test('is stalled when somebody waits twice at the same position', () => {
    const one = trackWritePath(undefined, sample('0/1', 3), 10);
    const two = trackWritePath(one, sample('0/1', 3), 20);
    expect(two.stalledSince).toBe(20);
    expect(trackWritePath(two, sample('0/1', 1), 30).stalledSince).toBe(20);
  });
  test('is well when it moves or nobody waits', () => {
    const one = trackWritePath(undefined, sample('0/1', 3), 10);
    expect(trackWritePath(one, sample('0/2', 3), 20).stalledSince).toBeUndefined();
    expect(trackWritePath(one, sample('0/1', 0), 20).stalledSince).toBeUndefined();
  });
});

test('a process hangs for as long as it is in the same wait, whatever others do', () => {
  const seen = (entries: Record<number, string>) =>
    new Map(Object.entries(entries).map(([pid, marker]) => [Number(pid), marker]));
  expect(hangingSince({ hangs: new Map() })).toBeUndefined();
  const one = trackHangs(new Map(), seen({ 7: '12', 8: '3' }), 10);
  const two = trackHangs(one, seen({ 7: '12', 8: '4', 9: '1' }), 20);
  expect(hangingSince({ hangs: two })).toBe(10);
  const three = trackHangs(two, seen({ 8: '4', 9: '2' }), 30);
  expect(hangingSince({ hangs: three })).toBe(20);
  expect(hangingSince({ hangs: trackHangs(three, seen({}), 40) })).toBeUndefined();
});

describe('what hinders replay', () => {
  test.each([
    ['walreceiver', '58P01', 'requested WAL segment 000000010000000000000003 has already been removed'],
    ['startup', '00000', 'invalid record length at 0/3000028: wanted 24, got 0'],
    ['startup', 'XX000', "requested timeline 2 is not a child of this server's history"],
    ['startup', '53100', 'could not extend file'],
  ])('%s %s %s', (backend, state, message) => {
    expect(hindersReplay(backend, state, message)).toBe(true);
  });
  test.each([
    ['walreceiver', '08006', 'could not connect to the primary server: connection refused'],
    ['walreceiver', 'XX000', 'could not connect to the primary server'],
    ['walreceiver', '57P01', 'terminating walreceiver process due to administrator command'],
    ['startup', '00000', 'redo starts at 0/2000028'],
    ['client backend', '42601', 'syntax error'],
  ])('not: %s %s %s', (backend, state, message) => {
    expect(hindersReplay(backend, state, message)).toBe(false);
  });
});
