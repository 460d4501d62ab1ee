import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { keepStrayWal, putAside, wasPutAside } from '../../../src/instance/stray-wal.ts';
import { directoryWith } from './support.ts';

const name = '000000010000000000000003';

test('what was put aside is moved beside PGDATA, as often as there is some', () => {
  const data = directoryWith(`pg_wal/${name}`);
  expect(keepStrayWal(data)).toBeUndefined();
  putAside(data, [name]);
  expect(wasPutAside(data, name)).toBe(true);
  const first = keepStrayWal(data);
  expect(wasPutAside(data, name)).toBe(false);
  expect(readdirSync(join(data, 'pg_wal'))).toEqual([]);
  writeFileSync(join(data, 'pg_wal', name), 'another one');
  putAside(data, [name]);
  const second = keepStrayWal(data);
  const beside = `${data}.stray-wal`;
  expect([first, second].map((place) => dirname(place!))).toEqual([beside, beside]);
  const found = readdirSync(beside, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith(name),
  );
  expect(found.map((path) => readFileSync(join(beside, path), 'utf8')).toSorted()).toEqual([
    'another one',
    `pg_wal/${name}`,
  ]);
});

test('WAL on a volume of its own is kept on that', () => {
  const data = directoryWith('PG_VERSION');
  const volume = join(dirname(data), 'wal');
  mkdirSync(join(volume, 'pg_wal'), { recursive: true });
  symlinkSync(join(volume, 'pg_wal'), join(data, 'pg_wal'));
  writeFileSync(join(data, 'pg_wal', name), '');
  putAside(data, [name]);
  expect(dirname(keepStrayWal(data)!)).toBe(join(volume, 'pg_wal.stray-wal'));
  expect(existsSync(join(volume, 'pg_wal', '.stray'))).toBe(false);
});
