import type { Situation } from './facts.ts';
import { type Goal, goalOf, isHeld } from './goal.ts';
import { type State, stateOf } from './state.ts';
import { type StepName, type TransitionTable, transitions } from './transitions.ts';

/** What the keeper of the lease shall do: take and renew it, give it back, or leave it as it is. */
export type LeaseIntent = 'hold' | 'release' | 'leave';

/** The one answer to a situation: a step, or why there is none. */
export interface Decision {
  readonly state: State;
  readonly goal: Goal;
  readonly lease: LeaseIntent;
  readonly step: StepName | undefined;
  /** Why nothing is done, in a line; undefined with a step. */
  readonly why: string | undefined;
  /** Nothing will be done until a person, or another instance, changes something. */
  readonly isRefused: boolean;
}

/**
 * Decides what this instance does next. Pure: the same situation always gives the same decision, and everything that is
 * ever done to a role is one cell of the table.
 *
 * @param table another one only for tests, which must notice every change of it
 */
export function decide(situation: Situation, table: TransitionTable = transitions): Decision {
  const state = stateOf(situation);
  const goal = goalOf(situation);
  const lease = leaseIntent(situation, state, goal);
  const cell = table[state][goal];
  if (cell.kind !== 'step') {
    const pointed = repoint(situation, state, goal);
    if (pointed !== undefined) return { state, goal, lease, ...pointed };
    return { state, goal, lease, step: undefined, why: cell.why, isRefused: cell.kind === 'refuse' };
  }
  return { state, goal, lease, step: cell.step, why: undefined, isRefused: false };
}

/** A standby that is as it shall be may still name a former primary as its source. */
function repoint({ instance }: Situation, state: State, goal: Goal) {
  const follows = state === 'standby up' || state === 'drained standby up';
  if (goal !== 'follow' || !follows || instance.source === 'right') return undefined;
  return { step: 'point to the primary', why: undefined, isRefused: false } as const;
}

/**
 * A running primary keeps its lease until its server has ended: only then may another one begin. One whose time is over
 * must not renew it. An instance that could not lead does not stand in the way of others.
 */
function leaseIntent(situation: Situation, state: State, goal: Goal): LeaseIntent {
  const { instance, cluster, now } = situation;
  if (goal === 'isolate') return 'leave';
  if (state === 'primary up' || state === 'primary serving') return 'hold';
  if (goal === 'unknown') return 'leave';
  const isChosen = cluster?.targetPrimary === instance.name && goal !== 'quit';
  const couldLead = state !== 'torn' && (state !== 'empty' || cluster?.currentPrimary === '');
  if (!isChosen || !couldLead) return 'release';
  // Contract 03, 3.12: fencing does not give the lease back, so that nobody is promoted behind a person's back.
  return goal !== 'fence' || isHeld(situation, now) ? 'hold' : 'leave';
}
