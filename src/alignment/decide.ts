import type { Situation } from './facts.ts';
import { type Goal, goalOf, isHeld } from './goal.ts';
import { paceStep } from './pacing.ts';
import { receiverPatience, type State, stateOf } from './state.ts';
import type { StepName } from './step-name.ts';
import { type TransitionTable, transitions } from './transitions.ts';

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
  /** When to decide again although nothing has happened; undefined: no need to. */
  readonly again: number | undefined;
  /** Nothing more is done without a reading of the Cluster that was asked for at this time or later; undefined: no need to. */
  readonly needsReadingOf: number | undefined;
}

/** Milliseconds between two looks at a data directory with which something is wrong: nothing tells of its end. */
const problemPeriod = 1_000;

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
  const step = cell.kind === 'step' ? cell.step : repoint(situation, state, goal);
  // Others may have changed the Cluster while the lease was theirs, and the news of it may still be on its way.
  const needsReadingOf = goal === 'claim' ? situation.lease.heldSince : undefined;
  const base = { state, goal, lease, again: lookAgainAt(situation), needsReadingOf, isRefused: false };
  if (step === undefined) {
    const why = cell.kind === 'step' ? undefined : withProblem(cell, situation);
    return { ...base, step, why, isRefused: cell.kind === 'refuse' };
  }
  const pace = paceStep(situation.failures ?? {}, step, situation.now);
  switch (pace.kind) {
    case 'go':
      return { ...base, step, why: undefined };
    case 'wait': {
      const why = `${step}: waiting for the next attempt (${pace.why})`;
      return { ...base, step: undefined, why, again: Math.min(pace.until, base.again ?? pace.until) };
    }
    case 'refuse':
      return { ...base, step: undefined, why: `${step}: ${pace.why}`, isRefused: true };
  }
}

/** A standby that is as it shall be, or stranded, may still name a former primary as its source: the present one may have more. */
const repointed: ReadonlySet<State> = new Set(['standby up', 'drained standby up', 'stranded standby up']);

function repoint({ instance }: Situation, state: State, goal: Goal): StepName | undefined {
  const isAway = goal === 'follow' && repointed.has(state) && instance.source === 'wrong';
  return isAway ? 'point to the primary' : undefined;
}

/** A refusal that is for the data directory says what is wrong with it. */
function withProblem(
  { kind, why }: { readonly kind: string; readonly why: string },
  { instance }: Situation,
): string {
  const { dataProblem, server } = instance;
  const isAboutIt = kind === 'refuse' && server === 'down' && dataProblem !== undefined;
  return isAboutIt ? `${why}: ${dataProblem}` : why;
}

/** The times at which a situation changes by itself. */
function lookAgainAt({ instance, lease, adoptionGraceEnds, now }: Situation): number | undefined {
  const receiverEnds = lease.heldSince === undefined ? 0 : lease.heldSince + receiverPatience;
  const nextLook = instance.dataProblem === undefined ? 0 : now + problemPeriod;
  const times = [lease.fenceAt ?? 0, adoptionGraceEnds, receiverEnds, nextLook];
  const coming = times.filter((time) => time > now && Number.isFinite(time));
  return coming.length === 0 ? undefined : Math.min(...coming);
}

/** Of these the server takes writes, or may do so at any moment. */
const primariesUp: ReadonlySet<State> = new Set([
  'primary up',
  'unfinished primary up',
  'clashing primary up',
  'primary serving',
]);

/** In these an instance cannot become the primary, whatever happens. */
const leaderless: ReadonlySet<State> = new Set(['torn', 'unclear', 'clashing primary down']);

/** Steps that are let go to their end, and then there may be a primary, although nothing shows it yet. */
const makingPrimary: ReadonlySet<StepName> = new Set(['initialise', 'start', 'promote']);

function isMakingPrimary({ running }: Situation): boolean {
  return running !== undefined && makingPrimary.has(running);
}

/**
 * A running primary keeps its lease until its server has ended: only then may another one begin. One whose time is over
 * must not renew it. An instance that could not lead does not stand in the way of others.
 */
function leaseIntent(situation: Situation, state: State, goal: Goal): LeaseIntent {
  const { instance, cluster, now } = situation;
  if (goal === 'isolate') return 'leave';
  if (primariesUp.has(state)) return 'hold';
  if (goal === 'unknown') return 'leave';
  const mayLead = cluster?.targetPrimary === instance.name || cluster?.isCandidate === true;
  const isChosen = mayLead && goal !== 'quit';
  const couldLead = !leaderless.has(state) && (state !== 'empty' || cluster?.currentPrimary === '');
  if (!isChosen || !couldLead) return isMakingPrimary(situation) ? 'leave' : 'release';
  // Contract 03, 3.12: fencing does not give the lease back, so that nobody is promoted behind a person's back.
  return goal !== 'fence' || isHeld(situation, now) ? 'hold' : 'leave';
}
