import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOlder } from '../../../src/kubernetes/objects.ts';

const object = (resourceVersion: string | undefined, uid = 'a') => ({
  metadata: { name: 'demo', uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
});

describe('which of two states is older', () => {
  test('is told by their numbers, however large', () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 128n });
    fc.assert(
      fc.property(version, version, (a, b) => isOlder(object(String(a)), object(String(b))) === a < b),
    );
  });
  test.each([
    ['9', '10'],
    ['99', '100'],
  ])('%s before %s, which letters would tell the other way round', (a, b) => {
    expect(isOlder(object(a), object(b))).toBe(true);
    expect(isOlder(object(b), object(a))).toBe(false);
  });
  test.each([undefined, '', '0', '01', '-1', '1.5', 'x1', '1 '])(
    'is not told by the version %j',
    (version) => {
      expect(isOlder(object(version), object('5'))).toBe(false);
      expect(isOlder(object('5'), object(version))).toBe(false);
    },
  );
  test('is not told of two objects that only have the same name', () => {
    expect(isOlder(object('1', 'a'), object('2', 'b'))).toBe(false);
    expect(isOlder(object('2', 'b'), object('1', 'a'))).toBe(false);
  });
});
