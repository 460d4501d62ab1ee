import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { discardCopy } from '../../../src/instance/discard-copy.ts';
import { directoryWith } from './support.ts';

test('the remains of an interrupted copy go, and the marker with them', async () => {
  const directory = directoryWith('.join-unfinished', '.join-staging/base/1/1', 'PG_VERSION');
  expect(await discardCopy(directory)).toBe(true);
  expect(readdirSync(directory)).toEqual([]);
});

test('without the marker nothing is touched, however much it looks like a copy', async () => {
  const names = ['.join-staging', 'PG_VERSION', 'backup_label', 'base'];
  const directory = directoryWith('.join-staging/base/1/1', 'PG_VERSION', 'backup_label', 'base/1/2');
  expect(await discardCopy(directory)).toBe(false);
  expect(new Set(readdirSync(directory))).toEqual(new Set(names));
});

test('what does not come from the copy stays', async () => {
  const directory = directoryWith(
    '.join-unfinished',
    'PG_VERSION',
    'lost+found/f',
    '.aborted-init-1/PG_VERSION',
  );
  await discardCopy(directory);
  expect(new Set(readdirSync(directory))).toEqual(new Set(['lost+found', '.aborted-init-1']));
});

test('while a large copy is removed the loop goes on', async () => {
  const files = Array.from({ length: 200 }, (_, index) => `base/1/${index}`);
  const directory = directoryWith('.join-unfinished', ...files);
  let hasTurned = false;
  setImmediate(() => {
    hasTurned = true;
  });
  await discardCopy(directory);
  expect(hasTurned).toBe(true);
});
