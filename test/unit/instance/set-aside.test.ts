import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { setAside } from '../../../src/instance/set-aside.ts';
import { component } from '../../support/component.ts';
import { directoryWith } from './support.ts';

/** What reached the disk, or was removed, in its order. */
const done = vi.hoisted((): string[] => []);

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const paths = new Map<number, string>();
  return {
    ...fs,
    openSync: (...args: Parameters<typeof fs.openSync>) => {
      const descriptor = fs.openSync(...args);
      paths.set(descriptor, String(args[0]));
      return descriptor;
    },
    fsyncSync: (descriptor: number) => {
      fs.fsyncSync(descriptor);
      done.push(`sync ${paths.get(descriptor)}`);
    },
    rmSync: (path: string, options: object) => {
      fs.rmSync(path, options);
      done.push(`remove ${path}`);
    },
  };
});

const elsewhere = '/dev/shm';
const hasTwo = component(
  'a second file system at /dev/shm',
  () => existsSync(elsewhere) && statSync(elsewhere).dev !== statSync('/tmp').dev,
);

test.runIf(hasTwo)('WAL on another file system is on the disk before it is removed there', () => {
  const wal = mkdtempSync(join(elsewhere, 'manager-wal-'));
  onTestFinished(() => rmSync(wal, { recursive: true, force: true }));
  const segment = '000000010000000000000001';
  writeFileSync(join(wal, segment), 'WAL');
  mkdirSync(join(wal, 'archive_status'));
  writeFileSync(join(wal, 'archive_status', `${segment}.ready`), '');
  const data = directoryWith('.init-unfinished');
  symlinkSync(wal, join(data, 'pg_wal'));

  const place = setAside(data, ['.init-unfinished', 'pg_wal']);
  expect(readdirSync(wal)).toEqual([]);
  expect(readdirSync(join(place, '.waldir'), { recursive: true }).toSorted()).toEqual([
    segment,
    'archive_status',
    `archive_status/${segment}.ready`,
  ]);
  const short = (line: string) =>
    line.replace(`${data}/pg_wal`, 'WAL').replace(place, 'place').replace(data, 'data');
  const steps = done.map(short);
  const before = (name: string) => steps.slice(0, steps.indexOf(`remove WAL/${name}`));
  expect(before(segment)).toEqual(
    expect.arrayContaining([
      'sync place',
      'sync data',
      `sync place/.waldir/${segment}`,
      'sync place/.waldir',
    ]),
  );
  expect(before('archive_status')).toEqual(
    expect.arrayContaining([
      `sync place/.waldir/archive_status/${segment}.ready`,
      'sync place/.waldir/archive_status',
    ]),
  );
});
