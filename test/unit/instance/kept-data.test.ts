import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { isRecloneDue, keepData } from '../../../src/instance/kept-data.ts';
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

test('what is left of one that was interrupted is still a data directory, and marked as before', () => {
  const directory = directoryWith(
    '.rewind-unfinished',
    'PG_VERSION',
    'base/1/1',
    'global/pg_control',
    'pg_wal/1',
  );
  // Where something is in the way it stops; that may be anywhere.
  const obstacle = join(`${directory}.before-reclone-20261125T200000123456Z.part`, 'pg_wal', '1');
  mkdirSync(obstacle, { recursive: true });
  expect(() => keepData(directory, request)).toThrow();
  expect(readdirSync(directory)).toEqual(['.rewind-unfinished', 'PG_VERSION', 'global', 'pg_wal']);
  rmSync(obstacle, { recursive: true });
  expect(readdirSync(keepData(directory, request))).toHaveLength(5);
  expect(readdirSync(directory)).toEqual([]);
});
