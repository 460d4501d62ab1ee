import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/alignment/decide.ts';
import { receiverPatience } from '../../../src/alignment/state.ts';
import { heldLease, me, noLease, now, situation } from './support.ts';

describe('a switchover', () => {
  const standby = { data: 'standby', role: 'standby' } as const;

  test('the old primary stops and keeps the lease until its server has ended', () => {
    const cluster = { targetPrimary: 'c-2' };
    expect(decide(situation({ cluster }))).toMatchObject({ goal: 'yield', step: 'stop fast', lease: 'hold' });
    const frozen = { role: 'unknown' } as const;
    expect(decide(situation({ cluster, instance: frozen }))).toMatchObject({ step: 'stop fast' });
    expect(decide(situation({ cluster, instance: { server: 'down' } }))).toMatchObject({
      step: undefined,
      lease: 'release',
    });
  });

  test('`pending` is enough to stop it', () => {
    expect(decide(situation({ cluster: { targetPrimary: 'pending' } }))).toMatchObject({ step: 'stop fast' });
  });

  test('the new one waits for the lease, then for the last of the WAL, and is promoted', () => {
    const cluster = { currentPrimary: 'c-2' };
    const receiving = { ...standby, receiver: 'receiving' } as const;
    expect(decide(situation({ cluster, instance: receiving, lease: noLease }))).toMatchObject({
      goal: 'claim',
      step: undefined,
      lease: 'hold',
    });
    const justHeld = { ...heldLease, heldSince: now - 100 };
    expect(decide(situation({ cluster, instance: receiving, lease: justHeld }))).toMatchObject({
      step: undefined,
    });
    expect(decide(situation({ cluster, instance: standby, lease: justHeld }))).toMatchObject({
      step: 'promote',
    });
    const longHeld = { ...heldLease, heldSince: now - receiverPatience };
    expect(decide(situation({ cluster, instance: receiving, lease: longHeld }))).toMatchObject({
      step: 'promote',
    });
  });

  test('what was read before the lease was taken makes nobody a primary', () => {
    const lease = { ...heldLease, heldSince: now - 100 };
    const before = { cluster: { readAt: now - 101 }, lease };
    const down = { data: 'primary', server: 'down' } as const;
    expect(decide(situation({ ...before, instance: down }))).toMatchObject({
      goal: 'claim',
      step: undefined,
    });
    const needs = { needsReadingOf: now - 100 };
    expect(decide(situation(before))).toMatchObject({
      goal: 'claim',
      step: undefined,
      lease: 'hold',
      ...needs,
    });
    const since = { cluster: { readAt: now - 100 }, lease };
    expect(decide(situation({ ...since, instance: down }))).toMatchObject({ goal: 'reign', step: 'start' });
  });

  test('once it serves, it says so', () => {
    expect(decide(situation({ cluster: { currentPrimary: 'c-2' } }))).toMatchObject({ step: 'announce' });
    expect(decide(situation())).toMatchObject({ goal: 'reign', step: undefined, isRefused: false });
  });

  test('the old one waits for the new one, then compares, and takes the way that the comparison shows', () => {
    const stopped = { server: 'down' } as const;
    expect(
      decide(situation({ cluster: { targetPrimary: 'c-2' }, instance: stopped, lease: noLease })),
    ).toMatchObject({ step: undefined });
    const cluster = { targetPrimary: 'c-2', currentPrimary: 'c-2' };
    const withKinship = (kinship: 'unknown' | 'straight' | 'forked' | 'foreign') =>
      decide(situation({ cluster, instance: { ...stopped, kinship }, lease: noLease }));
    expect(withKinship('unknown').step).toBe('compare');
    expect(withKinship('straight').step).toBe('turn standby');
    expect(withKinship('forked').step).toBe('rewind');
    expect(withKinship('foreign')).toMatchObject({ step: undefined, isRefused: true });
  });
});

test('a standby that is foreign to the last primary is not promoted because it is chosen', () => {
  const instance = { data: 'standby', role: 'standby', kinship: 'foreign' } as const;
  const cluster = { currentPrimary: 'c-2' };
  const chosen = decide(situation({ cluster, instance }));
  expect(chosen).toMatchObject({ goal: 'lead', step: undefined, isRefused: true });
  for (const receiver of ['unknown', 'receiving'] as const) {
    expect(decide(situation({ cluster, instance: { ...instance, receiver } })).step).toBeUndefined();
  }
  const forked = { ...instance, kinship: 'forked' } as const;
  expect(decide(situation({ cluster, instance: forked })).step).toBe('promote');
});

describe('a Cluster whose file was saved without its status', () => {
  const cluster = { currentPrimary: '', targetPrimary: '' };

  test('keeps the primary that runs, and that keeps its lease', () => {
    expect(decide(situation({ cluster }))).toMatchObject({ goal: 'keep', step: undefined, lease: 'hold' });
    const silent = { role: 'unknown' } as const;
    expect(decide(situation({ cluster, instance: silent }))).toMatchObject({
      step: undefined,
      lease: 'hold',
    });
    expect(decide(situation({ cluster, lease: { ...heldLease, fenceAt: now } })).step).toBe('stop at once');
  });

  test('makes no primary of a standby, not even of a chosen one', () => {
    const standby = { data: 'standby', role: 'standby' } as const;
    expect(decide(situation({ cluster, instance: standby }))).toMatchObject({
      step: undefined,
      lease: 'release',
    });
    const chosen = { ...cluster, targetPrimary: me };
    expect(decide(situation({ cluster: chosen, instance: standby }))).toMatchObject({
      goal: 'found',
      step: undefined,
      isRefused: true,
    });
  });

  test('starts no former primary by itself; only one that may choose itself asks for the lease', () => {
    for (const instance of [{ server: 'down' }, { data: 'empty', server: 'down' }] as const) {
      expect(decide(situation({ cluster, instance }))).toMatchObject({ step: undefined, lease: 'release' });
      const candidate = { ...cluster, isCandidate: true };
      expect(decide(situation({ cluster: candidate, instance, lease: noLease }))).toMatchObject({
        step: undefined,
        lease: 'hold',
      });
    }
    expect(decide(situation({ cluster, instance: { server: 'down' } })).isRefused).toBe(true);
  });

  test('starts the former primary once that is chosen', () => {
    const chosen = { ...cluster, targetPrimary: me };
    expect(decide(situation({ cluster: chosen, instance: { server: 'down' } }))).toMatchObject({
      goal: 'found',
      step: 'start',
    });
    expect(decide(situation({ cluster: chosen }))).toMatchObject({ step: 'announce' });
  });
});

describe('a standby', () => {
  const cluster = { targetPrimary: 'c-2', currentPrimary: 'c-2' };
  const standby = { data: 'standby', role: 'standby', receiver: 'receiving' } as const;

  test('points to the present primary', () => {
    expect(
      decide(situation({ cluster, lease: noLease, instance: { ...standby, source: 'wrong' } })).step,
    ).toBe('point to the primary');
    expect(decide(situation({ cluster, lease: noLease, instance: standby })).why).toBe('as it shall be');
    const stranded = { ...standby, receiver: 'idle', isStranded: true } as const;
    const asks = (source: 'right' | 'wrong') =>
      decide(situation({ cluster, lease: noLease, instance: { ...stranded, source } }));
    expect(asks('wrong')).toMatchObject({ step: 'point to the primary', isRefused: false });
    expect(asks('right')).toMatchObject({ step: undefined, isRefused: true });
  });

  test('compares when it cannot go on, and is rewound when its WAL has forked', () => {
    const astray = { ...standby, receiver: 'idle', isAstray: true } as const;
    const withKinship = (server: 'up' | 'down', kinship: 'unknown' | 'forked' | 'foreign') =>
      decide(situation({ cluster, lease: noLease, instance: { ...astray, server, kinship } }));
    expect(withKinship('up', 'unknown').step).toBe('compare');
    expect(withKinship('up', 'forked').step).toBe('stop fast');
    expect(withKinship('down', 'forked').step).toBe('rewind');
    expect(withKinship('up', 'foreign').isRefused).toBe(true);
  });
});

describe('a server whose files say nothing of it any more', () => {
  for (const data of ['empty', 'torn', 'unclear'] as const) {
    test(`stays what it is: ${data}`, () => {
      expect(decide(situation({ instance: { data } }))).toMatchObject({
        state: 'primary serving',
        goal: 'reign',
        lease: 'hold',
        isRefused: false,
      });
      const silent = { data, role: 'unknown' } as const;
      const over = { ...heldLease, fenceAt: now };
      expect(decide(situation({ instance: silent }))).toMatchObject({ state: 'primary up', lease: 'hold' });
      expect(decide(situation({ instance: silent, lease: over }))).toMatchObject({ step: 'stop at once' });
      const standby = { data, role: 'standby' } as const;
      const cluster = { currentPrimary: 'c-2', targetPrimary: 'c-2' };
      expect(decide(situation({ instance: standby, cluster, lease: noLease }))).toMatchObject({
        state: 'drained standby up',
        why: 'as it shall be',
      });
    });
  }

  test('is not started again: what nobody can tell is refused, with the reason, and looked at again', () => {
    const instance = { data: 'unclear', server: 'down', dataProblem: 'EIO: i/o error' } as const;
    for (const targetPrimary of [me, 'c-2']) {
      const decision = decide(
        situation({ instance, cluster: { currentPrimary: targetPrimary, targetPrimary } }),
      );
      expect(decision).toMatchObject({ isRefused: true, step: undefined, lease: 'release' });
      expect(decision.why).toMatch(/cannot be told.*: EIO: i\/o error$/);
      expect(decision.again).toBeLessThanOrEqual(now + 5_000);
    }
  });
});
