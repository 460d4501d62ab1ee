import type { QuorumObject } from './store.ts';

/** What `/pg/status` of an instance answers, as far as the operator decides by it; undefined: no answer. */
export interface StatusAnswer {
  readonly isPrimary: boolean;
  readonly receivedLsn: number;
  readonly isWalReceiverActive: boolean;
  readonly mightBeUnavailable: boolean;
}

export interface Candidate {
  readonly name: string;
  readonly isReady: boolean;
  readonly status: StatusAnswer | undefined;
}

/** Contract 03, 3.10: unreachable last, primaries first, then who has received most, then the name. */
export function electionOrder(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted((one, other) => {
    if (one.status === undefined || other.status === undefined) {
      if (one.status !== other.status) return one.status === undefined ? 1 : -1;
      return one.name < other.name ? -1 : 1;
    }
    if (one.status.isPrimary !== other.status.isPrimary) return one.status.isPrimary ? -1 : 1;
    if (one.status.receivedLsn !== other.status.receivedLsn)
      return other.status.receivedLsn - one.status.receivedLsn;
    return one.name < other.name ? -1 : 1;
  });
}

/** R + W > N: every commit that was waited for is on at least one of those that can be reached (contract 03, 3.10). */
export function hasQuorum(quorum: QuorumObject, candidates: readonly Candidate[]): boolean {
  const { synchronous } = quorum;
  if (synchronous === undefined || synchronous.number <= 0 || synchronous.names.length === 0) return false;
  const reachable = candidates.filter(
    ({ name, isReady, status }) => synchronous.names.includes(name) && isReady && status !== undefined,
  );
  return reachable.length + synchronous.number > synchronous.names.length;
}
