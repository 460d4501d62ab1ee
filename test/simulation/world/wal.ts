/**
 * The WAL of the model: a position is a count of records, a branch what really happened between two promotions. Branches
 * are the truth; PostgreSQL itself only sees the numbers of timelines, and two branches may bear the same number.
 */
export interface Branch {
  readonly id: number;
  /** Which initdb it goes back to. */
  readonly system: number;
  /** The number that PostgreSQL gave it. */
  readonly timeline: number;
  readonly parent: Branch | undefined;
  /** Records up to this one are the parent's. */
  readonly forkedAt: number;
}

/** The last record of somebody's WAL. */
export interface WalEnd {
  readonly branch: Branch;
  readonly lsn: number;
}

/** For a trace. */
export function positionOf(end: WalEnd | undefined): string {
  return end === undefined ? 'empty' : `${end.branch.timeline}/${end.lsn} (branch ${end.branch.id})`;
}

/** Up to which record of `branch` the history that ends here reaches; -1: the branch is no part of it. */
export function reach(end: WalEnd, branch: Branch): number {
  let limit = end.lsn;
  for (let own: Branch | undefined = end.branch; own !== undefined; own = own.parent) {
    if (own === branch) return limit;
    limit = Math.min(limit, own.forkedAt);
  }
  return -1;
}

/** Up to which record two histories are the same; -1: they never met. */
export function commonEnd(one: WalEnd, other: WalEnd): number {
  let limit = one.lsn;
  for (let branch: Branch | undefined = one.branch; branch !== undefined; branch = branch.parent) {
    const reached = reach(other, branch);
    if (reached >= 0) return Math.min(limit, reached);
    limit = Math.min(limit, branch.forkedAt);
  }
  return -1;
}

/** Whether all of one history is the beginning of another. */
export function isBeginningOf(one: WalEnd, other: WalEnd): boolean {
  return commonEnd(one, other) >= one.lsn;
}

/** The last record belongs to the branch on which it was written. */
export function walEnd(branch: Branch, lsn: number): WalEnd {
  let own = branch;
  while (own.parent !== undefined && lsn <= own.forkedAt) own = own.parent;
  return { branch: own, lsn };
}

/** Timelines as a history file lists them, oldest first: the number, and where the next one forked off. */
export function timelineHistory(branch: Branch): Array<{ readonly timeline: number; readonly end: number }> {
  const entries: Array<{ timeline: number; end: number }> = [];
  for (let own = branch; own.parent !== undefined; own = own.parent) {
    entries.unshift({ timeline: own.parent.timeline, end: own.forkedAt });
  }
  return entries;
}
