import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EarlyPromise } from '../../../src/instance/early-promise.ts';
import { temporaryDirectory } from '../../support/manager.ts';

function early(prepare: (data: string) => void = () => {}) {
  const data = join(temporaryDirectory(), 'data');
  prepare(data);
  return new EarlyPromise('c-2', data, () => 500);
}

test('an instance that knows nothing yet promises, and remembers it', () => {
  const promise = early();
  expect(promise.give({ giver: 'c-2', holder: 'c-1', duration: 60_000 })).toBeUndefined();
  expect(promise.given).toEqual({ holder: 'c-1', until: 60_500 });
});

test('not to itself, and not with the data of a primary', () => {
  expect(early().give({ giver: 'c-2', holder: 'c-2', duration: 15_000 })).toEqual(expect.any(String));
  const primary = early((data) => {
    mkdirSync(data);
    writeFileSync(join(data, 'PG_VERSION'), '15\n');
  });
  expect(primary.give({ giver: 'c-2', holder: 'c-1', duration: 15_000 })).toEqual(expect.any(String));
  expect(primary.given).toBeUndefined();
  const damaged = early((data) => {
    mkdirSync(join(data, 'global'), { recursive: true });
  });
  expect(damaged.give({ giver: 'c-2', holder: 'c-1', duration: 15_000 })).toEqual(expect.any(String));
});
