import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { discardCopy } from '../../../src/instance/discard-copy.ts';
import { directoryWith } from './support.ts';

test('the remains of an interrupted copy go, and the marker with them', () => {
  const directory = directoryWith('.join-unfinished', '.join-staging/base/1/1', 'PG_VERSION');
  expect(discardCopy(directory)).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test('without the marker nothing is touched, however much it looks like a copy', () => {
  const names = ['.join-staging', 'PG_VERSION', 'backup_label', 'base'];
  const directory = directoryWith('.join-staging/base/1/1', 'PG_VERSION', 'backup_label', 'base/1/2');
  expect(discardCopy(directory)).toBe(false);
  expect(new Set(readdirSync(directory))).toEqual(new Set(names));
});

test('what does not come from the copy stays', () => {
  const directory = directoryWith(
    '.join-unfinished',
    'PG_VERSION',
    'lost+found/f',
    '.aborted-init-1/PG_VERSION',
  );
  discardCopy(directory);
  expect(new Set(readdirSync(directory))).toEqual(new Set(['lost+found', '.aborted-init-1']));
});
