import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeFilesAtomically } from '../../../src/instance/atomic-file.ts';

function directoryWith(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'manager-files-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

test('what differs is replaced and named, the rest is left alone', () => {
  const directory = directoryWith({ same: 'text', other: 'old' });
  const before = statSync(join(directory, 'same'));
  const files = new Map([
    ['same', 'text'],
    ['other', 'new'],
    ['first', ''],
  ]);
  expect(writeFilesAtomically(directory, files)).toEqual(['other', 'first']);
  expect(statSync(join(directory, 'same')).ino).toBe(before.ino);
  expect(readFileSync(join(directory, 'other'), 'utf8')).toBe('new');
  expect(statSync(join(directory, 'first')).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toHaveLength(3);
  expect(writeFilesAtomically(directory, files)).toEqual([]);
});

test('when one cannot be written, none is replaced and nothing is left beside them', () => {
  const directory = directoryWith({ one: 'old' });
  mkdirSync(join(directory, `two_${process.pid}`));
  const files = new Map([
    ['one', 'new'],
    ['two', 'new'],
  ]);
  expect(() => writeFilesAtomically(directory, files)).toThrow(/^EISDIR: .*, open /);
  expect(readFileSync(join(directory, 'one'), 'utf8')).toBe('old');
  expect(readdirSync(directory)).toEqual(['one', `two_${process.pid}`]);
});
