import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { isRecloneDue, keepData, keepRest } from '../../../src/instance/kept-data.ts';
import { judgeDataDirectory, keepMarker } from '../../../src/postgres/data-directory.ts';
import { observeDataDirectory } from '../../../src/postgres/io/data-directory-facts.ts';
import { directoryWith } from './support.ts';

const request = '2026-11-25T20:00:00.123456Z';

test('everything is moved beside the data directory, and nothing is deleted', () => {
  const directory = directoryWith('PG_VERSION', 'base/1/1', 'global/pg_control', 'lost+found/f');
  const place = keepData(directory, request);
  expect(dirname(place)).toBe(dirname(directory));
  expect(readdirSync(directory)).toEqual(['lost+found']);
  expect(readFileSync(join(place, 'base/1/1'), 'utf8')).toBe('base/1/1');
  expect(existsSync(join(place, 'global/pg_control'))).toBe(true);
});

test('a request is carried out once; a later one again', () => {
  const directory = directoryWith('PG_VERSION');
  expect(isRecloneDue(directory, undefined)).toBe(false);
  expect(isRecloneDue(directory, request)).toBe(true);
  keepData(directory, request);
  expect(isRecloneDue(directory, request)).toBe(false);
  expect(isRecloneDue(directory, '2026-11-26T00:00:00.000000Z')).toBe(true);
});

test('one that was interrupted goes on where it was', () => {
  const directory = directoryWith('PG_VERSION', 'base/1/1');
  const part = `${directory}.before-reclone-20261125T200000123456Z.part`;
  mkdirSync(part);
  writeFileSync(join(part, 'global'), 'moved before');
  expect(isRecloneDue(directory, request)).toBe(true);
  const place = keepData(directory, request);
  expect(new Set(readdirSync(place))).toEqual(new Set(['PG_VERSION', 'base', 'global']));
});

test('wherever it was cut off, the next start knows it and carries on', () => {
  const names = ['.rewind-unfinished', 'PG_VERSION', 'base/1/1', 'global/pg_control', 'pg_wal/1'];
  const entries = ['.rewind-unfinished', 'PG_VERSION', 'base', 'global', 'pg_wal'];
  for (const order of [entries, entries.toReversed()]) {
    for (let cut = 0; cut <= entries.length; cut += 1) {
      const directory = directoryWith(...names);
      const part = `${directory}.before-reclone-20261125T200000123456Z.part`;
      mkdirSync(part);
      writeFileSync(join(directory, keepMarker), request);
      for (const name of order.slice(0, cut)) renameSync(join(directory, name), join(part, name));
      expect(judge(directory)).toEqual({ state: 'keep rest' });
      expect(readdirSync(keepRest(directory)).toSorted()).toEqual(entries);
      expect(readdirSync(directory)).toEqual([]);
      expect(judge(directory)).toEqual({ state: 'initialise' });
    }
  }
});

test('one that was cut off when all was moved is complete', () => {
  const directory = directoryWith('PG_VERSION');
  const place = keepData(directory, request);
  writeFileSync(join(directory, keepMarker), request);
  expect(judge(directory)).toEqual({ state: 'keep rest' });
  expect(keepRest(directory)).toBe(place);
  expect(readdirSync(directory)).toEqual([]);
  expect(readdirSync(place)).toEqual(['PG_VERSION']);
});

test('what cannot be moved to its end is moved back', () => {
  const names = ['PG_VERSION', 'base/1/1', 'global/pg_control', 'pg_wal/1'];
  const directory = directoryWith(...names);
  // Something that is in the way, in the middle.
  const obstacle = join(`${directory}.before-reclone-20261125T200000123456Z.part`, 'global');
  mkdirSync(dirname(obstacle), { recursive: true });
  writeFileSync(obstacle, 'a file where a directory should go');
  expect(() => keepData(directory, request)).toThrow(/ENOTDIR/);
  for (const name of names) expect(existsSync(join(directory, name))).toBe(true);
  expect(readdirSync(directory)).not.toContain(keepMarker);
  expect(isRecloneDue(directory, request)).toBe(true);
});

function judge(directory: string) {
  return judgeDataDirectory(observeDataDirectory(directory), process.geteuid!(), 15);
}
