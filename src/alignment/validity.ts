import type { ClusterFacts } from './facts.ts';

/** Whom the Cluster names: what was found out, and what has failed, holds for these. */
export type Roles = Pick<ClusterFacts, 'currentPrimary' | 'targetPrimary'>;

/** What of it still holds after a change. */
export interface Validity {
  readonly failures: boolean;
  readonly kinship: boolean;
}

/**
 * An instance that is chosen itself has the same primary before it as until then: what was found of that one says whether
 * it may lead at all.
 */
export function validityOf(before: Roles, after: Roles, me: string): Validity {
  const isSamePrimary = before.currentPrimary === after.currentPrimary;
  const isSame = isSamePrimary && before.targetPrimary === after.targetPrimary;
  return { failures: isSame, kinship: isSame || (isSamePrimary && after.targetPrimary === me) };
}
