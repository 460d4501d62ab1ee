import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import {
  fence,
  fencedInstances,
  fencingAnnotation,
  isFenced,
  unfence,
} from '../../../src/cluster/fencing.ts';
import { clusterOf } from './support.ts';

const annotated = (value: string | undefined, apiVersion = 'postgresql.cnpg.io/v1'): Cluster =>
  clusterOf({
    apiVersion,
    metadata: {
      name: 'demo',
      ...(value === undefined ? {} : { annotations: { [fencingAnnotation({ apiVersion })]: value } }),
    },
  });

describe('the annotation', () => {
  test.each([
    [undefined, { all: false, names: [] }],
    ['', { all: false, names: [] }],
    ['[]', { all: false, names: [] }],
    ['["c-1","c-2"]', { all: false, names: ['c-1', 'c-2'] }],
    ['["*"]', { all: true, names: [] }],
    ['["c-1", "*"]', { all: true, names: ['c-1'] }],
  ])('%j', (value, fencing) => expect(fencedInstances(annotated(value))).toEqual(fencing));

  test.each(['c-1', '"c-1"', '[1]', '{"c-1":true}', '["c-1"'])('%j fences nobody, and says so', (value) => {
    expect(fencedInstances(annotated(value))).toMatchObject({ all: false, names: [] });
    expect(fencedInstances(annotated(value)).problem).toContain(
      'cnpg.io/fencedInstances is not a JSON array',
    );
    expect(isFenced(annotated(value), 'c-1')).toBe(false);
  });

  test('of the other operator has its own prefix', () => {
    const cluster = annotated('["c-1"]', 'postgresql.k8s.enterprisedb.io/v1');
    expect(Object.keys(cluster.metadata.annotations!)).toEqual(['k8s.enterprisedb.io/fencedInstances']);
    expect(isFenced(cluster, 'c-1')).toBe(true);
  });
});

describe('fencing and unfencing', () => {
  const known = ['c-1', 'c-2', 'c-3'];
  const name = fc.constantFrom(...known);
  const before = fc.oneof(
    fc.uniqueArray(fc.oneof(name, fc.constant('*'))).map((list) => JSON.stringify(list)),
    fc.constantFrom(undefined, '', 'broken'),
  );
  test('fence exactly the instance that was named', () => {
    fc.assert(
      fc.property(before, name, (value, instance) => {
        const cluster = annotated(value);
        const after = annotated(fence(cluster, instance) ?? value);
        for (const each of known) {
          expect(isFenced(after, each)).toBe(each === instance || isFenced(cluster, each));
        }
        expect(fence(after, instance)).toBeUndefined();
      }),
    );
  });
  test('unfence exactly the instance that was named', () => {
    fc.assert(
      fc.property(before, name, (value, instance) => {
        const cluster = annotated(value);
        const after = annotated(unfence(cluster, instance, known) ?? value);
        for (const each of known) {
          expect(isFenced(after, each)).toBe(each !== instance && isFenced(cluster, each));
        }
        expect(unfence(after, instance, known)).toBeUndefined();
      }),
    );
  });
  test('the star means everybody, who comes later too', () => {
    expect(fence(annotated('["c-1"]'), '*')).toBe('["*"]');
    expect(unfence(annotated('["c-1","*"]'), '*', known)).toBe('[]');
    expect(unfence(annotated(undefined), '*', known)).toBeUndefined();
  });
});
