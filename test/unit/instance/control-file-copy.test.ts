import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  isControlFileKept,
  keepControlFile,
  removeControlFileCopy,
} from '../../../src/instance/control-file-copy.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { directoryWith } from './support.ts';

const libc = openLibc();

/** Looks like a control file of 15: version, state "shut down", then anything at all, and zeros. */
function controlFile(salt: number): Buffer {
  const bytes = Buffer.alloc(8192);
  for (let at = 0; at < 296; at += 1) bytes[at] = (at * 7 + salt) % 256;
  bytes.writeUInt32LE(1300, 8);
  bytes.writeInt32LE(1, 16);
  return bytes;
}

function directory(bytes: Buffer): { readonly data: string; readonly path: string } {
  const data = directoryWith('PG_VERSION', 'global/pg_control');
  const path = join(data, 'global', 'pg_control');
  writeFileSync(path, bytes);
  return { data, path };
}

const copies = (data: string) => readdirSync(data).filter((name) => name.startsWith('.rewind-control-'));

test('a control file that is lost comes back from its copy', () => {
  const { data, path } = directory(controlFile(3));
  keepControlFile(data, libc);
  truncateSync(path);
  keepControlFile(data, libc);
  expect(readFileSync(path)).toEqual(controlFile(3));
});

test('of two copies the newer one is kept', () => {
  const { data, path } = directory(controlFile(3));
  keepControlFile(data, libc);
  expect(isControlFileKept(data)).toBe(true);
  writeFileSync(path, controlFile(4));
  expect(isControlFileKept(data)).toBe(false);
  keepControlFile(data, libc);
  expect(isControlFileKept(data)).toBe(true);
});

test('nothing of the copy is a file, a directory or a link, which pg_rewind would remove', () => {
  const { data } = directory(controlFile(3));
  keepControlFile(data, libc);
  const kinds = readdirSync(data, { withFileTypes: true }).filter(({ name }) => copies(data).includes(name));
  expect(kinds.length).toBeGreaterThan(0);
  expect(kinds.every((entry) => entry.isFIFO())).toBe(true);
  removeControlFileCopy(data);
  expect(copies(data)).toEqual([]);
});

test('a copy of which a part is missing is none', () => {
  const { data, path } = directory(Buffer.alloc(0));
  libc.mkfifo(join(data, '.rewind-control-1-of-2-AAAA'), 0o600);
  expect(() => keepControlFile(data, libc)).toThrow('pg_control is empty, and there is no copy of it');
  expect(readFileSync(path)).toHaveLength(0);
});

test('a copy that was cut short while it was made is made anew', () => {
  const { data } = directory(controlFile(3));
  libc.mkfifo(join(data, '.rewind-control-1-of-2-AAAA'), 0o600);
  keepControlFile(data, libc);
  expect(isControlFileKept(data)).toBe(true);
});
