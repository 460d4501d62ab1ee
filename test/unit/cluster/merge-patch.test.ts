import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergePatch } from '../../../src/cluster/merge-patch.ts';

type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };

/** RFC 7396, section 2, word for word. */
function apply(target: Value | undefined, patch: Value): Value {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isMap = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result = new Map<string, Value>(isMap ? Object.entries(target as object) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) result.delete(name);
    else result.set(name, apply(result.get(name), value));
  }
  return Object.fromEntries(result);
}

const { object } = fc.letrec<{ object: Record<string, Value>; value: Value }>((tie) => ({
  // Few names, so that both sides share some; no null, which cannot be written by a merge.
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Value>('x', 'y', 0, 1, true),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
  ),
}));

describe('the patch from one object to another', () => {
  test('makes the other one of the one, by the rules of the standard', () => {
    fc.assert(
      fc.property(object, object, (from, to) => {
        const patch = mergePatch(from, to);
        expect(patch === undefined ? from : apply(from, patch as Value)).toEqual(to);
      }),
      { numRuns: 2_000 },
    );
  });
  test('is none of an object to itself', () => {
    fc.assert(fc.property(object, (same) => mergePatch(same, structuredClone(same)) === undefined));
  });
  test('holds what has changed, and nothing else', () => {
    const from = { currentPrimary: 'c-1', phase: 'x', topology: { a: 1, b: 2 }, conditions: [{ type: 'A' }] };
    const to = { currentPrimary: 'c-2', topology: { a: 1, b: 3 }, conditions: [{ type: 'A' }] };
    expect(mergePatch(from, to)).toEqual({ currentPrimary: 'c-2', phase: null, topology: { b: 3 } });
  });
  test('takes away what is undefined', () => {
    expect(mergePatch({ a: 1 }, { a: undefined })).toEqual({ a: null });
    expect(mergePatch({}, { a: undefined })).toBeUndefined();
  });
  test('replaces an array as a whole, and what was of another type', () => {
    expect(mergePatch({ a: [1, 2] }, { a: [1] })).toEqual({ a: [1] });
    expect(mergePatch({ a: [1] }, { a: { b: 1 } })).toEqual({ a: { b: 1 } });
    expect(mergePatch({ a: { b: 1 } }, { a: 1 })).toEqual({ a: 1 });
  });
});
