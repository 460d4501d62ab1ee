import type { ClusterFacts } from './facts.ts';

/** Whom the Cluster names: what was found out, and what has failed, holds for these. */
export type Roles = Pick<ClusterFacts, 'currentPrimary' | 'targetPrimary'>;

/** What of it still holds after a change. */
export interface Validity {
  readonly failures: boolean;
  readonly kinship: boolean;
}

/**
 * What was found of the present primary holds for as long as that is the same, whoever is to follow it: an operator asks for
 * `pending` first, and a standby that does not belong to its history must still know that when it is chosen.
 */
export function validityOf(before: Roles, after: Roles): Validity {
  const isSamePrimary = before.currentPrimary === after.currentPrimary;
  return { failures: isSamePrimary && before.targetPrimary === after.targetPrimary, kinship: isSamePrimary };
}
