import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseSynchronousMetadata,
  renderSynchronousStandbyNames,
  type SynchronousInput,
  synchronousMetadata,
  synchronousStandbys,
} from '../../../src/postgres/synchronous.ts';

/** What matters of a Cluster, laid flat. */
type Case = NonNullable<SynchronousInput['status']> &
  Pick<SynchronousInput['spec'], 'minSyncReplicas' | 'maxSyncReplicas'> & {
    readonly synchronous?: NonNullable<SynchronousInput['spec']['postgresql']>['synchronous'];
    readonly isElectionConstrained?: boolean;
  };

function choose({ synchronous, isElectionConstrained, minSyncReplicas, maxSyncReplicas, ...status }: Case) {
  const syncReplicaElectionConstraint =
    isElectionConstrained === undefined ? undefined : { enabled: isElectionConstrained };
  const postgresql = { synchronous, syncReplicaElectionConstraint };
  return synchronousStandbys({
    metadata: { name: 'c' },
    spec: { postgresql, minSyncReplicas, maxSyncReplicas },
    status,
  });
}

/** The example of contract 04, 8.1: three instances, the first is the primary, the second has failed. */
const example: Case = {
  currentPrimary: 'c-1',
  instanceNames: ['c-1', 'c-2', 'c-3'],
  instancesStatus: { healthy: ['c-1', 'c-3'], failed: ['c-2'] },
};
const any = { method: 'any', number: 1 } as const;
const names = (input: Case) => {
  const standbys = choose(input);
  return standbys === undefined ? undefined : renderSynchronousStandbyNames(standbys);
};

describe('required', () => {
  const required = (change: Partial<Case>, rules = {}) =>
    names({ ...example, synchronous: { ...any, ...rules }, ...change });
  test('the example of the contract', () => {
    expect(required({})).toBe('ANY 1 ("c-3","c-2","c-1")');
    expect(required({}, { dataDurability: 'required' })).toBe('ANY 1 ("c-3","c-2","c-1")');
  });
  test('the number is never lowered', () => {
    expect(required({}, { number: 7 })).toBe('ANY 7 ("c-3","c-2","c-1")');
  });
  test('FIRST, a cap, and names before and after it', () => {
    const rules = {
      method: 'first',
      number: 2,
      maxStandbyNamesFromCluster: 1,
      standbyNamesPre: ['prefix', 'here'],
      standbyNamesPost: ['suffix', 'there'],
    };
    expect(required({}, rules)).toBe('FIRST 2 ("prefix","here","c-3","suffix","there")');
  });
  test('a primary without a state, as its Pod is gone, is one of the others', () => {
    expect(required({ instancesStatus: { healthy: ['c-3'] } })).toBe('ANY 1 ("c-3","c-1","c-2")');
    expect(required({ instancesStatus: { failed: ['c-1'], healthy: ['c-3'] } })).toBe(
      'ANY 1 ("c-3","c-2","c-1")',
    );
  });
  test('nobody at all: commits wait for somebody who never comes', () => {
    expect(required({ instanceNames: [], instancesStatus: {} })).toBe('ANY 1 ("c-placeholder")');
    expect(required({}, { maxStandbyNamesFromCluster: 0 })).toBe('ANY 1 ("c-placeholder")');
  });
  test('names are sorted by their bytes', () => {
    const instancesStatus = { healthy: ['c-10', 'c-2', 'c-1', 'C-3'] };
    expect(required({ instancesStatus, instanceNames: [] })).toBe('ANY 1 ("C-3","c-10","c-2","c-1")');
  });
});

describe('preferred', () => {
  const preferred = (change: Partial<Case>, rules = {}) =>
    names({ ...example, synchronous: { ...any, dataDurability: 'preferred', ...rules }, ...change });
  test('the example of the contract', () => expect(preferred({})).toBe('ANY 1 ("c-3")'));
  test('the number is lowered to what there is', () => {
    expect(preferred({}, { number: 2 })).toBe('ANY 1 ("c-3")');
  });
  test('names before and after do not count', () => {
    expect(preferred({}, { standbyNamesPre: ['x'], standbyNamesPost: ['y'] })).toBe('ANY 1 ("c-3")');
  });
  test('nobody: commits do not wait', () => {
    expect(preferred({ instancesStatus: { healthy: ['c-1'] } })).toBeUndefined();
    expect(preferred({}, { maxStandbyNamesFromCluster: 0 })).toBeUndefined();
  });
});

describe('failure domains', () => {
  const zone = (name: string) => ({ zone: name });
  const healthy = { healthy: ['c-1', 'c-2', 'c-3'] };
  const topology = {
    successfullyExtracted: true,
    instances: { 'c-1': zone('a'), 'c-2': zone('a'), 'c-3': zone('b') },
  };
  const chosen = (change: Partial<Case>, rules = {}) =>
    names({
      ...example,
      instancesStatus: healthy,
      topology,
      synchronous: { ...any, nodeFailureDomainKeys: ['zone'], ...rules },
      ...change,
    });
  test('another place than the primary’s, and so never the primary', () => {
    expect(chosen({})).toBe('ANY 1 ("c-3")');
    expect(chosen({}, { nodeFailureDomainKeys: [], podFailureDomainKeys: ['zone'] })).toBe('ANY 1 ("c-3")');
    expect(chosen({}, { dataDurability: 'preferred' })).toBe('ANY 1 ("c-3")');
  });
  test('too few of them: all, as without the rule', () => {
    expect(chosen({}, { number: 2 })).toBe('ANY 2 ("c-2","c-3","c-1")');
    expect(chosen({}, { number: 2, dataDurability: 'preferred' })).toBe('ANY 1 ("c-3")');
  });
  test('a label that is missing is another place, an instance that is missing is none', () => {
    const instances = { 'c-1': zone('a'), 'c-2': {} };
    expect(chosen({ topology: { successfullyExtracted: true, instances } })).toBe('ANY 1 ("c-2")');
  });
  test('the filter comes before the cap', () => {
    expect(chosen({}, { maxStandbyNamesFromCluster: 1 })).toBe('ANY 1 ("c-3")');
  });
  test.each([
    ['the topology is not complete', { topology: { ...topology, successfullyExtracted: false } }],
    ['there is none', { topology: undefined }],
    ['the place of the primary is not known', { topology: { ...topology, instances: { 'c-3': zone('b') } } }],
  ])('no rule while %s', (_, change) => {
    expect(chosen(change)).toBe('ANY 1 ("c-2","c-3","c-1")');
  });
  test('no rule without keys', () => {
    expect(chosen({}, { nodeFailureDomainKeys: undefined })).toBe('ANY 1 ("c-2","c-3","c-1")');
  });
});

describe('minSyncReplicas and maxSyncReplicas', () => {
  const healthy = (count: number) => ({
    healthy: Array.from({ length: count }, (_, index) => `c-${index + 1}`),
  });
  test.each([
    // ready standbys, min, max, result
    [2, 1, 2, 'ANY 2 ("c-2","c-3")'],
    [1, 1, 2, 'ANY 1 ("c-2")'],
    [3, 1, 2, 'ANY 2 ("c-2","c-3","c-4")'],
    [1, 2, 3, 'ANY 1 ("c-2")'],
    [0, 1, 2, undefined],
    [2, 0, 3, undefined],
    [2, 0, 0, undefined],
  ])('%i ready, between %i and %i', (ready, minSyncReplicas, maxSyncReplicas, expected) => {
    const input = { ...example, instancesStatus: healthy(ready + 1), minSyncReplicas, maxSyncReplicas };
    expect(names(input)).toBe(expected);
  });
  test('a primary that is not healthy takes the place of a ready standby', () => {
    const instancesStatus = { healthy: ['c-2', 'c-3'] };
    expect(names({ ...example, instancesStatus, minSyncReplicas: 2, maxSyncReplicas: 3 })).toBe(
      'ANY 1 ("c-2","c-3")',
    );
  });
  test('nobody is healthy, or nothing is asked for', () => {
    expect(
      names({ ...example, instancesStatus: {}, minSyncReplicas: 1, maxSyncReplicas: 1 }),
    ).toBeUndefined();
    expect(names(example)).toBeUndefined();
  });
  test('spec.postgresql.synchronous wins', () => {
    expect(names({ ...example, synchronous: any, maxSyncReplicas: 2 })).toBe('ANY 1 ("c-3","c-2","c-1")');
  });
  describe('constrained to other places', () => {
    const constrained = (change: Partial<Case>) =>
      names({
        ...example,
        instancesStatus: healthy(3),
        minSyncReplicas: 1,
        maxSyncReplicas: 2,
        isElectionConstrained: true,
        topology: {
          successfullyExtracted: true,
          instances: { 'c-1': { node: 'x' }, 'c-2': { node: 'x' }, 'c-3': { node: 'y' } },
        },
        ...change,
      });
    test('the number is lowered to them', () => expect(constrained({})).toBe('ANY 1 ("c-3")'));
    test('all while the topology is not complete', () =>
      expect(constrained({ topology: { successfullyExtracted: false } })).toBe('ANY 2 ("c-2","c-3")'));
    test('none while the place of the primary is not known', () => {
      expect(constrained({ topology: { successfullyExtracted: true } })).toBeUndefined();
      expect(constrained({ currentPrimary: '' })).toBeUndefined();
    });
  });
});

const instances = ['c-1', 'c-2', 'c-3', 'c-4', 'c-5'];
const states = fc
  .shuffledSubarray(instances)
  .chain((order) =>
    fc.nat(order.length).map((split) => ({ healthy: order.slice(0, split), failed: order.slice(split) })),
  );
const inputs = fc.record({
  currentPrimary: fc.constantFrom('', ...instances),
  instanceNames: fc.shuffledSubarray(instances),
  instancesStatus: states,
  topology: fc.record({
    successfullyExtracted: fc.boolean(),
    instances: fc.dictionary(fc.constantFrom(...instances), fc.record({ zone: fc.constantFrom('a', 'b') })),
  }),
  synchronous: fc.record({
    method: fc.constantFrom('any' as const, 'first' as const),
    number: fc.integer({ min: 1, max: 3 }),
    maxStandbyNamesFromCluster: fc.option(fc.nat(4), { nil: undefined }),
    dataDurability: fc.constantFrom('required' as const, 'preferred' as const),
    nodeFailureDomainKeys: fc.constantFrom(undefined, ['zone']),
  }),
});

test('a Cluster that says nothing asks for nothing', () => {
  expect(synchronousStandbys({ metadata: { name: 'c' }, spec: {} })).toBeUndefined();
  const spec = { postgresql: { synchronous: any } };
  expect(synchronousStandbys({ metadata: { name: 'c' }, spec })?.standbyNames).toEqual(['c-placeholder']);
});

test('whatever the Cluster says: never an empty list, never a number that durability does not allow', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const standbys = choose(input);
      const { dataDurability, number } = input.synchronous;
      if (standbys === undefined) {
        expect(dataDurability).toBe('preferred');
        return;
      }
      expect(standbys.standbyNames.length).toBeGreaterThan(0);
      expect(new Set(standbys.standbyNames).size).toBe(standbys.standbyNames.length);
      if (dataDurability === 'required') {
        expect(standbys.number).toBe(number);
        return;
      }
      expect(standbys.number).toBe(Math.min(number, standbys.standbyNames.length));
      expect(standbys.standbyNames).not.toContain(input.currentPrimary);
      for (const name of standbys.standbyNames) expect(input.instancesStatus.healthy).toContain(name);
    }),
    { numRuns: 2000 },
  );
});

test('the order in which the Cluster names its instances does not matter', () => {
  const withOrder = inputs.chain((input) =>
    fc.record({
      input: fc.constant(input),
      instanceNames: fc.shuffledSubarray(input.instanceNames, { minLength: input.instanceNames.length }),
      healthy: fc.shuffledSubarray(input.instancesStatus.healthy, {
        minLength: input.instancesStatus.healthy.length,
      }),
    }),
  );
  fc.assert(
    fc.property(withOrder, ({ input, instanceNames, healthy }) => {
      const shuffled = { ...input, instanceNames, instancesStatus: { ...input.instancesStatus, healthy } };
      expect(choose(shuffled)).toEqual(choose(input));
    }),
  );
});

describe('what a server tells of it', () => {
  test('as vector V1 has it', () => {
    const standbys = {
      method: 'ANY' as const,
      number: 1,
      standbyNames: ['cluster-example-2', 'cluster-example-3'],
    };
    expect(renderSynchronousStandbyNames(standbys)).toBe('ANY 1 ("cluster-example-2","cluster-example-3")');
    expect(synchronousMetadata(standbys)).toBe(
      '{"method":"ANY","number":1,"standbyNames":["cluster-example-2","cluster-example-3"]}',
    );
  });
  test('names are quoted', () => {
    expect(renderSynchronousStandbyNames({ method: 'FIRST', number: 1, standbyNames: ['we"ird'] })).toBe(
      'FIRST 1 ("we""ird")',
    );
  });
  test('is read as it was written', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const standbys = choose(input);
        if (standbys !== undefined)
          expect(parseSynchronousMetadata(synchronousMetadata(standbys))).toEqual(standbys);
      }),
    );
  });
  test.each([
    undefined,
    null,
    '',
    'null',
    '[]',
    '{"method":"ALL","number":1,"standbyNames":["a"]}',
    '{"method":"ANY","number":0,"standbyNames":["a"]}',
    '{"method":"ANY","number":1,"standbyNames":[]}',
    '{"method":"ANY","number":1,"standbyNames":[1]}',
    '{"method":"ANY","number":1',
  ])('%j is none', (text) => expect(parseSynchronousMetadata(text)).toBeUndefined());
});
