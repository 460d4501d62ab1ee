import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  planSlots,
  planStandbySlots,
  type Slot,
  type SlotRules,
  slotName,
} from '../../../src/postgres/slots.ts';

const rules: SlotRules = {
  isHighAvailability: true,
  prefix: '_cnpg_',
  isSynchronized: true,
  excludePatterns: [],
};
const slot = (name: string, change: Partial<Slot> = {}): Slot => ({
  name,
  isActive: false,
  restartLsn: 100n,
  holdsXmin: false,
  isLost: false,
  ...change,
});

test.each([
  ['_cnpg_', 'cluster-example-2', '_cnpg_cluster_example_2'],
  ['_cnpg_', 'db-eu-2', '_cnpg_db_eu_2'],
  ['_CNPG_', 'A--b.2', '_cnpg_a_b_2'],
  ['', 'a', 'a'],
])('the slot of %s%s', (prefix, instance, name) => {
  expect(slotName(prefix, instance)).toBe(name);
});

describe('the primary', () => {
  const plan = (slots: readonly Slot[], change: Partial<SlotRules> = {}) =>
    planSlots({
      rules: { ...rules, ...change },
      role: 'primary',
      currentPrimary: 'c-1',
      instanceNames: ['c-1', 'c-2', 'c-3'],
      isComplete: true,
      forgotten: [],
      slots,
    });
  test('keeps a slot for every other instance', () => {
    expect(plan([])).toEqual({ create: ['_cnpg_c_2', '_cnpg_c_3'], drop: [], busy: [] });
    expect(plan([slot('_cnpg_c_2', { isActive: true }), slot('_cnpg_c_3')])).toEqual({
      create: [],
      drop: [],
      busy: [],
    });
  });
  test('keeps none for itself or for an instance that is gone', () => {
    const slots = [slot('_cnpg_c_1'), slot('_cnpg_c_4'), slot('_cnpg_c_5', { isActive: true })];
    expect(plan(slots)).toMatchObject({ drop: ['_cnpg_c_1', '_cnpg_c_4'], busy: ['_cnpg_c_5'] });
  });
  test('takes no instance for gone when the names may not be all, but itself', () => {
    const slots = [slot('_cnpg_c_1'), slot('_cnpg_c_2'), slot('_cnpg_c_3', { isLost: true })];
    const input = {
      rules,
      role: 'primary',
      currentPrimary: 'c-1',
      isComplete: false,
      forgotten: [],
      slots,
    } as const;
    expect(planSlots({ ...input, instanceNames: ['c-1'] })).toMatchObject({ drop: ['_cnpg_c_1'], busy: [] });
    expect(planSlots({ ...input, instanceNames: ['c-1', 'c-3'] })).toMatchObject({
      drop: ['_cnpg_c_1', '_cnpg_c_3'],
      create: ['_cnpg_c_3'],
    });
    // Unless a person said so; and not one that is there again.
    const forgotten = ['c-2', 'c-3'];
    expect(planSlots({ ...input, forgotten, instanceNames: ['c-1', 'c-3'] })).toMatchObject({
      drop: ['_cnpg_c_1', '_cnpg_c_2', '_cnpg_c_3'],
      create: ['_cnpg_c_3'],
    });
  });
  test('leaves the slots of users alone', () => {
    expect(plan([slot('mine'), slot('cnpg_c_9')])).toMatchObject({ drop: [], busy: [] });
  });
  test('makes a slot anew that the server has given up', () => {
    expect(plan([slot('_cnpg_c_2', { isLost: true, restartLsn: undefined }), slot('_cnpg_c_3')])).toEqual({
      create: ['_cnpg_c_2'],
      drop: ['_cnpg_c_2'],
      busy: [],
    });
  });
  test('drops its own kind when they are switched off, and nobody else’s', () => {
    const slots = [slot('_cnpg_c_2'), slot('_cnpg_c_3', { isActive: true }), slot('mine')];
    for (const isSynchronized of [true, false]) {
      expect(plan(slots, { isHighAvailability: false, isSynchronized })).toEqual({
        create: [],
        drop: ['_cnpg_c_2'],
        busy: ['_cnpg_c_3'],
      });
    }
  });
});

describe('the reconciler on a standby', () => {
  const plan = (change: Partial<SlotRules>) =>
    planSlots({
      rules: { ...rules, ...change },
      role: 'standby',
      currentPrimary: 'c-1',
      instanceNames: ['c-1', 'c-2'],
      isComplete: true,
      forgotten: [],
      slots: [slot('_cnpg_c_3'), slot('mine'), slot('hidden'), slot('used', { isActive: true })],
    });
  test('does nothing while the slots are on', () => {
    expect(plan({})).toEqual({ create: [], drop: [], busy: [] });
    expect(plan({ isSynchronized: false })).toEqual({ create: [], drop: [], busy: [] });
  });
  test('cleans up when they are off; those of users only when they are not synchronised', () => {
    expect(plan({ isHighAvailability: false })).toEqual({ create: [], drop: ['_cnpg_c_3'], busy: [] });
    expect(plan({ isHighAvailability: false, isSynchronized: false, excludePatterns: ['^hid'] })).toEqual({
      create: [],
      drop: ['_cnpg_c_3', 'mine'],
      busy: ['used'],
    });
  });
});

describe('a standby', () => {
  const plan = (
    primarySlots: readonly Slot[],
    localSlots: readonly Slot[],
    change: Partial<SlotRules> = {},
  ) => planStandbySlots({ rules: { ...rules, ...change }, ownName: 'c-2', primarySlots, localSlots });
  const create = (name: string, restartLsn: bigint | undefined) => ({
    name,
    restartLsn,
    create: true,
    reserve: restartLsn !== undefined,
  });

  test('makes the slots of the others, not its own', () => {
    const primary = [slot('_cnpg_c_2'), slot('_cnpg_c_3'), slot('mine')];
    expect(plan(primary, [])).toEqual({
      drop: [],
      advance: [create('_cnpg_c_3', 100n), create('mine', 100n)],
    });
  });
  test('waits for the position of a slot of the cluster, but not of a user', () => {
    const primary = [slot('_cnpg_c_3', { restartLsn: undefined }), slot('mine', { restartLsn: undefined })];
    expect(plan(primary, [])).toEqual({ drop: [], advance: [create('mine', undefined)] });
  });
  test('advances them, but never back and never one that is in use', () => {
    const primary = [slot('_cnpg_c_3'), slot('a'), slot('b'), slot('c')];
    const local = [
      slot('_cnpg_c_3', { restartLsn: 99n }),
      slot('a', { restartLsn: 100n }),
      slot('b', { restartLsn: 101n }),
      slot('c', { restartLsn: 1n, isActive: true }),
    ];
    expect(plan(primary, local)).toEqual({
      drop: [],
      advance: [{ name: '_cnpg_c_3', restartLsn: 100n, create: false, reserve: false }],
    });
  });
  test.each([
    ['its own', slot('_cnpg_c_2'), []],
    ['one that the primary has not', slot('_cnpg_c_9'), []],
    ['one that holds back VACUUM', slot('_cnpg_c_3', { holdsXmin: true }), [create('_cnpg_c_3', 100n)]],
    ['one that was given up', slot('_cnpg_c_3', { isLost: true }), [create('_cnpg_c_3', 100n)]],
    [
      'one that never reserved WAL',
      slot('_cnpg_c_3', { restartLsn: undefined }),
      [create('_cnpg_c_3', 100n)],
    ],
  ])('drops %s, unless somebody uses it', (_, local, advance) => {
    const primary = [slot('_cnpg_c_2'), slot('_cnpg_c_3')];
    const isOther = local.name === '_cnpg_c_3';
    const rest = isOther ? [] : [slot('_cnpg_c_3')];
    expect(plan(primary, [local, ...rest])).toEqual({ drop: [local.name], advance });
    expect(plan(primary, [{ ...local, isActive: true }, ...rest])).toEqual({ drop: [], advance: [] });
  });
  test('copies no slots of users when that is off, and drops the copies', () => {
    expect(plan([slot('mine')], [], { isSynchronized: false })).toEqual({ drop: [], advance: [] });
    expect(plan([slot('mine')], [slot('mine')], { isSynchronized: false }).drop).toEqual(['mine']);
  });
  test('goes on with those of users when its own kind is off', () => {
    const primary = [slot('_cnpg_c_3'), slot('mine')];
    expect(plan(primary, [], { isHighAvailability: false }).advance).toEqual([create('mine', 100n)]);
  });
  test('does not see what is excluded, on either side', () => {
    const excludePatterns = ['^tmp_', '(?i)^BACKUP'];
    const hidden = [slot('tmp_1'), slot('backup')];
    expect(plan(hidden, [], { excludePatterns })).toEqual({ drop: [], advance: [] });
    expect(plan([], hidden, { excludePatterns })).toEqual({ drop: [], advance: [] });
    expect(plan([], hidden)).toMatchObject({ drop: ['tmp_1', 'backup'] });
  });
  test('touches no slot of a user when a pattern cannot be read', () => {
    expect(plan([], [slot('mine'), slot('_cnpg_c_9')], { excludePatterns: ['('] }).drop).toEqual([
      '_cnpg_c_9',
    ]);
  });
});

test('a standby comes to rest: after a plan was carried out, the next one is empty', () => {
  const names = ['_cnpg_c_1', '_cnpg_c_2', '_cnpg_c_3', 'mine', 'other'];
  const slots = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom(...names),
      isActive: fc.boolean(),
      restartLsn: fc.option(fc.bigInt({ min: 1n, max: 9n }), { nil: undefined }),
      holdsXmin: fc.boolean(),
      isLost: fc.boolean(),
    }),
    { selector: ({ name }) => name },
  );
  const someRules = fc.record({
    isHighAvailability: fc.boolean(),
    prefix: fc.constant('_cnpg_'),
    isSynchronized: fc.boolean(),
    excludePatterns: fc.constantFrom<string[]>([], ['^oth'], ['(']),
  });
  fc.assert(
    fc.property(someRules, slots, slots, (chosen, primarySlots, localSlots) => {
      const input = { rules: chosen, ownName: 'c-2', primarySlots };
      const plan = planStandbySlots({ ...input, localSlots });
      const inUse = localSlots.filter(({ isActive }) => isActive).map(({ name }) => name);
      expect(plan.drop.filter((name) => inUse.includes(name))).toEqual([]);
      const kept = localSlots.filter(({ name }) => !plan.drop.includes(name));
      const touched = plan.advance.map(({ name }) => name);
      // What is made must not exist, what is advanced must.
      for (const { name, create } of plan.advance)
        expect(kept.some((present) => present.name === name)).toBe(!create);
      const after = [
        ...kept.filter(({ name }) => !touched.includes(name)),
        ...plan.advance.map(({ name, restartLsn }) => slot(name, { restartLsn })),
      ];
      expect(planStandbySlots({ ...input, localSlots: after })).toEqual({ drop: [], advance: [] });
    }),
    { numRuns: 3000 },
  );
});
