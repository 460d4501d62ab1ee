import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/alignment/decide.ts';
import type { InstanceFacts } from '../../../src/alignment/facts.ts';
import { goalOf, goals, isHeld } from '../../../src/alignment/goal.ts';
import { receiverPatience, stateOf, states } from '../../../src/alignment/state.ts';
import { transitions } from '../../../src/alignment/transitions.ts';
import { heldLease, me, noLease, now, situation, situations } from './support.ts';

const many = { numRuns: 20_000 };

/** Goals in which the lease is held and its time is not over. */
const leading = ['found', 'lead', 'reign'];
/** Its server runs, and neither the files nor the server itself say for certain that it is a standby. */
function mayTakeWrites({ data, server, role, isPromoting }: InstanceFacts): boolean {
  const isStandbyByFiles = data === 'standby' && role !== 'primary';
  const isStandbyByWord = data !== 'primary' && role === 'standby';
  return server === 'up' && (isPromoting === true || !(isStandbyByFiles || isStandbyByWord));
}

/** Data of a primary, or none, and what follows from it. */
const standbys = states.filter((state) => state.includes('standby'));

describe('the table', () => {
  test('has an answer for every state and goal, and a reason wherever nothing is done', () => {
    for (const state of states) {
      expect(new Set(Object.keys(transitions[state]))).toEqual(new Set(goals));
      for (const goal of goals) {
        const cell = transitions[state][goal];
        if (cell.kind !== 'step') expect(cell.why.length).toBeGreaterThan(5);
      }
    }
  });

  test('starts or makes a primary only for goals that have the lease', () => {
    for (const state of states) {
      for (const goal of goals) {
        const cell = transitions[state][goal];
        const makesPrimary =
          cell.kind === 'step' &&
          (['initialise', 'promote', 'announce'].includes(cell.step) ||
            (cell.step === 'start' && !state.includes('standby')));
        if (makesPrimary) expect(leading, `${state} x ${goal}`).toContain(goal);
      }
    }
  });

  test('stops a primary for every goal that is another one’s', () => {
    for (const state of [
      'primary up',
      'unfinished primary up',
      'clashing primary up',
      'primary serving',
    ] as const) {
      for (const goal of ['follow', 'yield', 'fence', 'isolate', 'quit'] as const) {
        expect(transitions[state][goal]).toMatchObject({
          kind: 'step',
          step: expect.stringMatching(/^stop/),
        });
      }
      expect(transitions[state].isolate).toMatchObject({ step: 'stop at once' });
    }
  });

  test('founds a Cluster with new data or that of a primary, never with a copy', () => {
    for (const state of standbys) {
      const cell = transitions[state].found;
      if (state.includes('up')) expect(cell.kind, state).toBe('refuse');
      else expect(cell).toMatchObject({ step: 'start' });
    }
  });

  test('has no way of making an empty or torn directory into a primary of an existing Cluster', () => {
    for (const goal of ['lead', 'reign', 'follow', 'yield', 'claim'] as const) {
      expect(transitions.empty[goal]).not.toMatchObject({ step: 'initialise' });
      expect(transitions.torn[goal]).not.toMatchObject({ step: 'start' });
    }
  });

  test('clones only into what is empty', () => {
    for (const state of states) {
      for (const goal of goals) {
        const cell = transitions[state][goal];
        if (cell.kind === 'step' && ['join', 'initialise'].includes(cell.step)) expect(state).toBe('empty');
      }
    }
  });

  test('comes to rest: no chain of steps for one goal goes round', () => {
    for (const first of states) {
      for (const wanted of goals) {
        const seen = new Set<string>();
        let state = first;
        let goal = wanted;
        for (;;) {
          const cell = transitions[state][goal];
          if (cell.kind !== 'step' || cell.then === state) break;
          expect(seen.has(state), `${goal}: ${[...seen].join(' -> ')}`).toBe(false);
          seen.add(state);
          state = cell.then;
          // With that step the request for a new copy is carried out.
          if (cell.step === 'set aside') {
            goal = 'follow';
            seen.clear();
          }
        }
      }
    }
  });
});

describe('a promotion that was asked for', () => {
  const promoting = { data: 'primary', role: 'standby', isPromoting: true } as const;
  const chosen = { currentPrimary: 'c-2', targetPrimary: me };
  const decision = (different: object = {}) =>
    decide(situation({ instance: promoting, cluster: chosen, ...different }));

  test('is waited for, again after its deadline, and the reason is told in between', () => {
    expect(decision()).toMatchObject({ state: 'unfinished primary up', step: 'promote', lease: 'hold' });
    const text = 'still in recovery 40 s after the promotion was asked for (promotionTimeout)';
    const failures = { promote: { count: 9, at: now, text, isFinal: false } };
    expect(decide({ ...situation({ instance: promoting, cluster: chosen }), failures })).toMatchObject({
      step: undefined,
      why: `promote: waiting for the next attempt (${text})`,
      isRefused: false,
      again: expect.any(Number) as number,
      lease: 'hold',
    });
  });

  test('ends when another one is chosen: the server is stopped before the lease is given back', () => {
    const cluster = { currentPrimary: 'c-2', targetPrimary: 'c-3' };
    expect(decision({ cluster })).toMatchObject({ step: 'stop fast', lease: 'hold' });
    expect(decision({ lease: noLease })).toMatchObject({ step: 'stop at once' });
  });

  test('is not made of a recovery that a person has begun', () => {
    const instance = { ...promoting, isPromoting: false };
    expect(decision({ instance })).toMatchObject({ state: 'primary up', step: undefined });
  });
});

describe('a primary that was made on the timeline of before', () => {
  const clashing = { isOnOldTimeline: true, isPromoting: true, role: 'unknown' } as const;
  const cluster = { currentPrimary: 'c-2', targetPrimary: me };

  test('is stopped at once, whatever is wanted, and keeps the lease until then', () => {
    for (const targetPrimary of [me, 'c-2', 'c-3', '', 'pending']) {
      const given = situation({ instance: clashing, cluster: { ...cluster, targetPrimary } });
      for (const isQuitting of [false, true]) {
        expect(decide({ ...given, isQuitting })).toMatchObject({
          state: 'clashing primary up',
          step: 'stop at once',
          lease: 'hold',
        });
      }
    }
  });

  test('does not lead again, and makes room for another one', () => {
    const instance = { ...clashing, isPromoting: false, server: 'down' } as const;
    for (const kinship of ['unknown', 'straight', 'forked', 'foreign'] as const) {
      for (const targetPrimary of [me, 'c-2']) {
        const roles = { currentPrimary: targetPrimary, targetPrimary };
        const decision = decide(situation({ instance: { ...instance, kinship }, cluster: roles }));
        expect(decision).toMatchObject({ isRefused: true, step: undefined, lease: 'release' });
        expect(decision.why).toContain('the timeline of before');
      }
    }
    const roles = { currentPrimary: 'c-2', targetPrimary: 'c-2', isRecloneAsked: true };
    expect(decide(situation({ instance, cluster: roles }))).toMatchObject({ step: 'set aside' });
  });
});

describe('in every situation', () => {
  test('there is a step, or a reason', () => {
    fc.assert(
      fc.property(situations, (given) => {
        const decision = decide(given);
        expect(decision.step === undefined).toBe(decision.why !== undefined);
        expect(states).toContain(stateOf(given));
        expect(goals).toContain(goalOf(given));
      }),
      many,
    );
  });

  test('a primary without a valid lease is stopped at once, whatever else is wanted', () => {
    fc.assert(
      fc.property(situations, (given) => {
        fc.pre(mayTakeWrites(given.instance) && !isHeld(given, now));
        fc.pre(given.adoptionGraceEnds <= now || given.lease.standing === 'lost');
        const decision = decide(given);
        expect(decision.step).toBe('stop at once');
        expect(decision.lease).toBe('leave');
      }),
      many,
    );
  });

  test('the end of the time of the lease is not slept through, whatever else is waited for', () => {
    fc.assert(
      fc.property(situations, (given) => {
        const { fenceAt } = given.lease;
        fc.pre(fenceAt !== undefined && fenceAt > now);
        expect(decide(given).again).toBeLessThanOrEqual(fenceAt!);
      }),
      many,
    );
  });

  test('nothing becomes a primary without the lease', () => {
    fc.assert(
      fc.property(situations, (given) => {
        const decision = decide(given);
        const isStartOfPrimary = decision.step === 'start' && given.instance.data === 'primary';
        if (isStartOfPrimary || decision.step === 'promote' || decision.step === 'initialise') {
          expect(isHeld(given, now)).toBe(true);
          expect(given.cluster?.targetPrimary).toBe(me);
          expect(given.isQuitting).toBe(false);
        }
      }),
      many,
    );
  });

  test('the lease is never given back while a primary runs', () => {
    fc.assert(
      fc.property(situations, (given) => {
        fc.pre(mayTakeWrites(given.instance));
        expect(decide(given).lease).not.toBe('release');
      }),
      many,
    );
  });

  test('a fenced or quitting instance starts nothing', () => {
    fc.assert(
      fc.property(situations, (given) => {
        fc.pre(given.isQuitting || given.cluster?.isFenced === true);
        const { step } = decide(given);
        if (step !== undefined) expect(step).toMatch(/^stop/);
      }),
      many,
    );
  });

  test('a directory with data is never initialised or cloned over', () => {
    fc.assert(
      fc.property(situations, (given) => {
        const { step } = decide(given);
        if (step === 'initialise' || step === 'join') expect(given.instance.data).toBe('empty');
      }),
      many,
    );
  });
});

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

test('an instance taken over gets the time of one look at the lease', () => {
  const adopted = { lease: noLease, adoptionGraceEnds: now + 1 };
  expect(decide(situation(adopted))).toMatchObject({ goal: 'claim', step: undefined, lease: 'hold' });
  expect(decide(situation({ ...adopted, adoptionGraceEnds: now }))).toMatchObject({ goal: 'isolate' });
  const lost = { ...noLease, standing: 'lost' } as const;
  expect(decide(situation({ ...adopted, lease: lost }))).toMatchObject({ step: 'stop at once' });
});

test('a primary whose announcement has failed many times still looks at its lease in time', () => {
  const failures = { announce: { count: 7, at: now - 10, text: 'the Cluster is away', isFinal: false } };
  const lease = { ...heldLease, fenceAt: now + 1_000 };
  const given = { ...situation({ cluster: { currentPrimary: 'c-2' }, lease }), failures };
  expect(decide(given)).toMatchObject({ goal: 'lead', step: undefined, again: now + 1_000 });
});

test('fencing keeps a lease that is held, and asks for none', () => {
  const cluster = { isFenced: true };
  const down = { server: 'down' } as const;
  expect(decide(situation({ cluster }))).toMatchObject({ step: 'stop fast', lease: 'hold' });
  expect(decide(situation({ cluster, instance: down }))).toMatchObject({ step: undefined, lease: 'hold' });
  expect(decide(situation({ cluster, instance: down, lease: noLease })).lease).toBe('leave');
});

test('the lease is not given back while a step may still bring up a primary', () => {
  const cluster = { targetPrimary: 'pending' };
  const down = { server: 'down' } as const;
  expect(decide(situation({ cluster, instance: down })).lease).toBe('release');
  for (const running of ['start', 'promote', 'initialise'] as const) {
    expect(decide({ ...situation({ cluster, instance: down }), running }).lease).toBe('leave');
    expect(decide({ ...situation({ instance: down }), isQuitting: true, running }).lease).toBe('leave');
  }
  expect(decide({ ...situation({ cluster, instance: down }), running: 'rewind' }).lease).toBe('release');
});
