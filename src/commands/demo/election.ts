import { parseLsn } from '../../postgres/lsn.ts';

/** What a standby says of itself, as far as an operator decides by it. */
export interface Candidate {
  readonly name: string;
  readonly receivedLsn: string | undefined;
  readonly replayLsn: string | undefined;
}

/**
 * The standbys in the order in which an operator would choose them: who has received most, then who has replayed most, then
 * by name (contract 03, 3.10).
 */
export function electionOrder(candidates: readonly Candidate[]): Candidate[] {
  return candidates.toSorted(
    (a, b) =>
      compare(position(b.receivedLsn), position(a.receivedLsn)) ||
      compare(position(b.replayLsn), position(a.replayLsn)) ||
      a.name.localeCompare(b.name, 'en', { numeric: true }),
  );
}

/**
 * Why a failover could lose acknowledged rows: a commit waits for any `number` of the standbys named, so that with R of N of
 * them in reach every commit is on one of these only when R + number > N (contract 03, 3.10).
 *
 * @returns undefined when it could not
 */
export function whyNoQuorum(
  synchronous: { readonly number: number; readonly standbyNames: readonly string[] } | undefined,
  reachable: readonly string[],
): string | undefined {
  if (synchronous === undefined) return undefined;
  const { number, standbyNames } = synchronous;
  const inReach = standbyNames.filter((name) => reachable.includes(name)).length;
  if (inReach + number > standbyNames.length) return undefined;
  return `${inReach} of ${standbyNames.join(', ')} in reach: the one that has the last acknowledged rows may be missing`;
}

function position(text: string | undefined): bigint {
  return parseLsn(text ?? '') ?? -1n;
}

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
