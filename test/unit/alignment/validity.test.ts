import { expect, test } from 'vitest';
import { validityOf } from '../../../src/alignment/validity.ts';
import { me } from './support.ts';

const roles = (currentPrimary: string, targetPrimary: string) => ({ currentPrimary, targetPrimary });

test('without a change everything holds', () => {
  expect(validityOf(roles('c-2', 'c-2'), roles('c-2', 'c-2'), me)).toEqual({ failures: true, kinship: true });
});

test('with another primary, or another one that is about to be it, nothing holds', () => {
  const nothing = { failures: false, kinship: false };
  expect(validityOf(roles('c-2', 'c-2'), roles('c-3', 'c-2'), me)).toEqual(nothing);
  expect(validityOf(roles('c-2', 'c-2'), roles('c-2', 'c-3'), me)).toEqual(nothing);
  expect(validityOf(roles('c-2', me), roles(me, me), me)).toEqual(nothing);
  expect(validityOf(roles('c-2', me), roles('c-2', 'c-2'), me)).toEqual(nothing);
});

test('an instance that is chosen still knows what it is to the last primary', () => {
  const known = { failures: false, kinship: true };
  expect(validityOf(roles('c-2', 'c-2'), roles('c-2', me), me)).toEqual(known);
});
