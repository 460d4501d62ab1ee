import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hasLostPower, markUnsynced, removeUnsyncedMark } from '../../../src/instance/unsynced-rewind.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { directoryWith } from './support.ts';

const libc = openLibc();
const mark = (data: string) => readdirSync(data).filter((name) => name.startsWith('.rewind-unsynced-'));

test('what was written under this boot is in the memory of the machine, at the least', () => {
  const data = directoryWith('PG_VERSION');
  expect(hasLostPower(data)).toBe(false);
  markUnsynced(data, libc);
  markUnsynced(data, libc);
  expect(mark(data)).toHaveLength(1);
  expect(hasLostPower(data)).toBe(false);
  removeUnsyncedMark(data);
  expect(mark(data)).toEqual([]);
});

test('what was written under another one may be lost, whatever is written now', () => {
  const data = directoryWith('PG_VERSION');
  markUnsynced(data, libc);
  const earlier = join(data, '.rewind-unsynced-6fd44f4c-5a7e-4f8c-9d0e-6d1f0f2f3a4b');
  renameSync(join(data, mark(data)[0]!), earlier);
  expect(hasLostPower(data)).toBe(true);
  markUnsynced(data, libc);
  expect(hasLostPower(data)).toBe(true);
  removeUnsyncedMark(data);
  expect(hasLostPower(data)).toBe(false);
});
