import { roleOf } from './data-role.ts';
import type { Situation } from './facts.ts';

/** What an instance shall become, for the table of transitions. */
export const goals = [
  'unknown',
  'found',
  'claim',
  'lead',
  'reign',
  'follow',
  'reclone',
  'yield',
  'keep',
  'fence',
  'isolate',
  'quit',
] as const;

export type Goal = (typeof goals)[number];

/** One line each, for people. */
export const goalMeanings: Readonly<Record<Goal, string>> = {
  unknown: 'the Cluster has not been read yet',
  found: 'the lease is held, and the Cluster has never had a primary: make it',
  claim: 'chosen as the primary, but the lease is not held yet, or the Cluster was not read again since',
  lead: 'chosen as the primary, and the lease is held: become it',
  reign: 'the primary, and the lease is held: stay it',
  follow: 'another instance is the primary: be its standby',
  reclone: 'the same, and a person asked for a new copy of it in the place of the present data',
  yield: 'another instance is about to become the primary',
  keep: 'nobody has been chosen as the primary: stay what it is',
  fence: 'a person asked that the server does not run',
  isolate: 'the time of the lease is over: stop at once',
  quit: 'the process is asked to end',
};

/**
 * What the Cluster, the lease and the person at the switch want of this instance, the most urgent first: a primary without
 * a lease is stopped, whatever else is wanted.
 */
export function goalOf(situation: Situation): Goal {
  const { instance, cluster, isQuitting, now } = situation;
  if (isPrimaryWithoutLease(situation)) return 'isolate';
  if (isQuitting) return 'quit';
  if (cluster === undefined) return 'unknown';
  if (cluster.isFenced) return 'fence';
  // Empty says nothing, such as a file that was saved without its status: it must not end the reign of anybody.
  if (cluster.targetPrimary === '') return 'keep';
  if (cluster.targetPrimary !== instance.name) {
    const hasPrimary = cluster.currentPrimary !== '' && cluster.currentPrimary !== instance.name;
    if (!hasPrimary || cluster.currentPrimary !== cluster.targetPrimary) return 'yield';
    return cluster.isRecloneAsked === true ? 'reclone' : 'follow';
  }
  if (!isHeld(situation, now) || isOlderThanLease(situation)) return 'claim';
  if (cluster.currentPrimary === '') return 'found';
  return cluster.currentPrimary === instance.name ? 'reign' : 'lead';
}

/** With these an instance may be a primary before long. */
export const leading: ReadonlySet<Goal> = new Set(['found', 'claim', 'lead', 'reign']);

/** While the lease was somebody else's, somebody else may have been the primary: what was read before says nothing. */
function isOlderThanLease({ cluster, lease }: Situation): boolean {
  return cluster?.readAt !== undefined && lease.heldSince !== undefined && cluster.readAt < lease.heldSince;
}

/** Whether the lease is held and its time is not over. */
export function isHeld({ lease }: Pick<Situation, 'lease'>, now: number): boolean {
  return lease.standing !== 'lost' && lease.fenceAt !== undefined && now < lease.fenceAt;
}

/** A server that was found running gets the time of one look at the lease; every other one was started with it. */
function isPrimaryWithoutLease(situation: Situation): boolean {
  const { instance, lease, adoptionGraceEnds, now } = situation;
  if (instance.server !== 'up' || roleOf(instance) !== 'primary' || isHeld(situation, now)) return false;
  const wasNeverHeld = lease.fenceAt === undefined && lease.standing !== 'lost';
  return !(wasNeverHeld && now < adoptionGraceEnds);
}
