import { earlierLsn, formatLsn } from './lsn.ts';
import { type TimelineEnd, timelineSpans } from './timeline-history.ts';

/** What is known of the WAL that a data directory, or a server, has gone through. */
export interface WalPast {
  /** Of pg_control; equal in all copies of one database system. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** The ancestors of `timeline`, from its history file; empty for a timeline that has none. */
  readonly history: readonly TimelineEnd[];
  /**
   * End of the WAL that is in this directory: the first byte that is not. Undefined: not known, as after a crash of a
   * primary. src/postgres/wal-end.ts reads it from pg_control, and says what it does not cover.
   */
  readonly end: bigint | undefined;
}

/** How the WAL of a data directory relates to that of the primary. */
export type Kinship =
  /** All of it is part of the primary's history: the directory can follow by streaming. */
  | { readonly kind: 'straight' }
  /** Both have the same WAL up to `at` on `timeline`; from there on the directory has, or may have, other WAL. */
  | { readonly kind: 'forked'; readonly timeline: number; readonly at: bigint }
  /** Neither streaming nor a rewind would be right: a person must look. */
  | { readonly kind: 'foreign'; readonly why: string };

const foreign = (why: string): Kinship => ({ kind: 'foreign', why });

/**
 * Compares the past of a data directory with that of the primary it shall follow, by walking both ways through the
 * timelines as pg_rewind does (timeline.c and findCommonAncestorTimeline of pg_rewind.c), not by comparing numbers: two
 * instances may each have made a timeline 2.
 *
 * What is not known is never taken for harmless:
 * - `own.end` undefined and the primary has left the timeline: forked. pg_rewind completes the crash recovery and finds
 *   out; when it says that nothing is to be done, the directory may stream.
 * - `own.end` undefined and the primary is on the same timeline: foreign. Two instances wrote on one timeline, or one is
 *   a copy of the other; pg_rewind would say "no rewind required" and streaming would mix the two (PostgreSQL asks the
 *   source for whole segments, and so does not see that it is ahead). Crashed standbys do not come here, since
 *   pg_control tells their end.
 * - `own.end` beyond the primary's on the primary's own timeline: foreign, the primary has lost WAL.
 * - `primary.end` undefined where it decides, on the timeline that the primary is on: foreign. A primary that runs can be
 *   asked. After a fork it does not matter.
 * - Both are on timelines of one number that began at different places: foreign. pg_rewind would say "no rewind required"
 *   to that as well, and the walsender would send one the WAL of the other.
 * - A history that contradicts itself: foreign.
 *
 * One thing cannot be seen: timelines of the same number that two instances, by chance, began at the same byte. The lease
 * does not keep that from happening: a standby that has not heard of a promotion takes its number again when it is
 * promoted later. Only an archive that all share does, since PostgreSQL looks there for the histories of all.
 */
export function kinshipOf(own: WalPast, primary: WalPast): Kinship {
  if (own.systemIdentifier !== primary.systemIdentifier) {
    return foreign(
      `system identifier ${own.systemIdentifier} is not that of the primary, ${primary.systemIdentifier}`,
    );
  }
  const contradiction = contradictionIn(own, 'this instance') ?? contradictionIn(primary, 'the primary');
  if (contradiction !== undefined) return foreign(contradiction);

  const ours = timelineSpans(own.timeline, own.history);
  const theirs = timelineSpans(primary.timeline, primary.history);
  const parted = ours.findIndex(
    (span, index) => theirs[index]?.timeline !== span.timeline || theirs[index].begin !== span.begin,
  );
  const last = parted === -1 ? ours.length - 1 : parted - 1;
  const mine = ours[last];
  const other = theirs[last];
  if (mine === undefined || other === undefined) {
    return foreign(
      `timeline ${own.timeline} and the primary's timeline ${primary.timeline} have no ancestor in common`,
    );
  }

  // pg_rewind compares these two numbers first, and then finds nothing to do; the walsender compares nothing else.
  if (parted !== -1 && own.timeline === primary.timeline) {
    return foreign(`timeline ${own.timeline} was begun twice, here and by the primary, at different places`);
  }

  const { timeline } = mine;
  const isOwnLast = mine.end === undefined;
  const isPrimaryLast = other.end === undefined;
  const ownEnd = mine.end ?? own.end;
  const primaryEnd = other.end ?? primary.end;
  if (primaryEnd === undefined) return foreign(`how far the primary is on timeline ${timeline} is not known`);
  if (ownEnd === undefined) {
    if (!isPrimaryLast) return { kind: 'forked', timeline, at: primaryEnd };
    return foreign(
      `it was writing on timeline ${timeline}, on which the primary is, and how far is not known`,
    );
  }
  if (isOwnLast && ownEnd <= primaryEnd) return { kind: 'straight' };
  if (isPrimaryLast && ownEnd > primaryEnd) {
    return foreign(
      `it holds timeline ${timeline} up to ${formatLsn(ownEnd)}, the primary only up to ${formatLsn(primaryEnd)}`,
    );
  }
  return { kind: 'forked', timeline, at: earlierLsn(ownEnd, primaryEnd) };
}

/** Why a past cannot be true; undefined when it can. */
function contradictionIn(past: WalPast, whose: string): string | undefined {
  const parent = past.history.at(-1);
  if (parent === undefined) return undefined;
  if (parent.timeline >= past.timeline) {
    return `the history of ${whose} names timeline ${parent.timeline} as an ancestor of ${past.timeline}`;
  }
  if (past.end !== undefined && past.end < parent.end) {
    return `the WAL of ${whose} ends at ${formatLsn(past.end)}, before timeline ${past.timeline} began`;
  }
  return undefined;
}
