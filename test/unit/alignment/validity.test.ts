import { expect, test } from 'vitest';
import { validityOf } from '../../../src/alignment/validity.ts';
import { me } from './support.ts';

const roles = (currentPrimary: string, targetPrimary: string) => ({ currentPrimary, targetPrimary });

test('without a change everything holds', () => {
  expect(validityOf(roles('c-2', 'c-2'), roles('c-2', 'c-2'))).toEqual({ failures: true, kinship: true });
});

test('with another primary nothing holds', () => {
  const nothing = { failures: false, kinship: false };
  expect(validityOf(roles('c-2', 'c-2'), roles('c-3', 'c-2'))).toEqual(nothing);
  expect(validityOf(roles('c-2', me), roles(me, me))).toEqual(nothing);
});

test('an instance that is chosen still knows what it is to the last primary, by whatever way', () => {
  const known = { failures: false, kinship: true };
  const way = [roles('c-2', 'c-2'), roles('c-2', 'pending'), roles('c-2', 'c-3'), roles('c-2', me)];
  for (const [index, after] of way.slice(1).entries()) expect(validityOf(way[index]!, after)).toEqual(known);
  expect(validityOf(roles('c-2', 'c-2'), roles('c-2', me))).toEqual(known);
});
