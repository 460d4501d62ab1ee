import { roleOf } from './data-role.ts';
import type { InstanceFacts, LeaseFacts, Situation } from './facts.ts';

/** What an instance is, for the table of transitions. */
export const states = [
  'empty',
  'torn',
  'unclear',
  'primary down',
  'straight primary down',
  'forked primary down',
  'foreign primary down',
  'clashing primary down',
  'primary up',
  'unfinished primary up',
  'clashing primary up',
  'primary serving',
  'standby down',
  'forked standby down',
  'foreign standby down',
  'standby up',
  'drained standby up',
  'astray standby up',
  'stranded standby up',
  'forked standby up',
  'foreign standby up',
] as const;

export type State = (typeof states)[number];

/**
 * Milliseconds that a holder of the lease waits for WAL that still arrives. The old primary has released the lease after
 * its server ended, or has had to stop it before the lease ran out: what arrives now is the rest in the network, or comes
 * from an instance that does not keep to the rules. wal_receiver_timeout (5 s) ends a dead connection well before.
 */
export const receiverPatience = 10_000;

/** The one state that fits the facts. */
export function stateOf({ instance, lease, now }: Situation): State {
  const { server } = instance;
  const data = roleOf(instance);
  if (data === 'empty' || data === 'torn' || data === 'unclear') return data;
  if (data === 'primary' && instance.isOnOldTimeline === true) return `clashing primary ${server}`;
  if (data === 'primary') return server === 'down' ? primaryDown(instance) : primaryUp(instance);
  return server === 'down' ? standbyDown(instance) : standbyUp(instance, lease, now);
}

function primaryDown({ kinship }: InstanceFacts): State {
  return kinship === 'unknown' ? 'primary down' : `${kinship} primary down`;
}

/** One that says it is a standby, though it was asked to become a primary, may become one at any moment. */
function primaryUp({ role, isPromoting }: InstanceFacts): State {
  if (role === 'primary') return 'primary serving';
  return role === 'standby' && isPromoting === true ? 'unfinished primary up' : 'primary up';
}

function standbyDown({ kinship }: InstanceFacts): State {
  return kinship === 'forked' || kinship === 'foreign' ? `${kinship} standby down` : 'standby down';
}

/**
 * What stands in the way of following counts only where it does: not while WAL arrives, or nothing is known. A foreign one
 * is never drained: what it waits for it cannot have.
 */
function standbyUp(instance: InstanceFacts, lease: LeaseFacts, now: number): State {
  const { role, receiver, kinship, isAstray, isStranded } = instance;
  if (role === 'standby' && receiver === 'idle') {
    if (kinship === 'forked' || kinship === 'foreign') return `${kinship} standby up`;
    if (isAstray && kinship === 'unknown') return 'astray standby up';
    if (isStranded === true) return 'stranded standby up';
  }
  return isDrained(instance, lease, now) ? 'drained standby up' : 'standby up';
}

/** Nothing more is to be expected from the old primary: what a promotion would leave behind has all been received. */
function isDrained(
  { role, receiver, kinship }: InstanceFacts,
  { heldSince }: LeaseFacts,
  now: number,
): boolean {
  if (role !== 'standby' || kinship === 'foreign') return false;
  if (receiver === 'idle') return true;
  return heldSince !== undefined && now - heldSince >= receiverPatience;
}
