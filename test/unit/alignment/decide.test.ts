import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/alignment/decide.ts';
import type { InstanceFacts } from '../../../src/alignment/facts.ts';
import { goalOf, goals, isHeld } from '../../../src/alignment/goal.ts';
import { stateOf, states } from '../../../src/alignment/state.ts';
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
