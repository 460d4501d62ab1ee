import type { LeaseMemory } from './lease.ts';

/**
 * A store that is down must not stop a primary whom everybody can reach. Its lease cannot be renewed then; but when every
 * other instance promises not to lead for as long as the lease would last, that is as good. One that does not answer, does
 * not know of promises, or has reasons of its own ends it: the primary is stopped in time, as without this.
 *
 * That it is safe rests on what the lease itself rests on: the promise counts for the holder from before it was asked for,
 * and binds the other from when it gave it, for the `duration` by which the holder counts: each process has that of the Cluster
 * as it was at its start, and they need not be the same (contract 03, 3.8). A process that is started anew, and has forgotten its promise, takes no lease that
 * it has not watched for the whole duration.
 */

/** What a holder asks of every other instance. */
export interface PromiseQuestion {
  /** Who asks. */
  readonly holder: string;
  /** Who is asked, as far as the holder knows: an address may be another one's by now. */
  readonly giver: string;
  /** Milliseconds that the other is not to lead: `duration` of the holder's lease. */
  readonly duration: number;
}

/** Milliseconds for which a promise is given at most: whoever asks for more has not understood the question. */
export const longestPromise = 3_600_000;

/** What an instance knows when it is asked to promise. */
export interface VoucherFacts extends PromiseQuestion {
  readonly me: string;
  /** What the Cluster said last; undefined: it has not been read, so that nothing speaks for leading either. */
  readonly roles: { readonly currentPrimary: string; readonly targetPrimary: string } | undefined;
  /** A write to the lease is on its way, of which nobody knows what becomes of it. */
  readonly isWriting: boolean;
  /** PGDATA is that of a primary. */
  readonly isPrimary: boolean;
  /** `duration` of this process; undefined: it has not read the Cluster. */
  readonly ownDuration?: number | undefined;
  readonly now: number;
}

/** What is remembered when the promise is given; a text: why it is not. */
export function promiseTo(memory: LeaseMemory, facts: VoucherFacts): LeaseMemory | string {
  const { me, holder, giver, duration, roles, isWriting, isPrimary } = facts;
  const { currentPrimary, targetPrimary } = roles ?? { currentPrimary: holder, targetPrimary: holder };
  if (giver !== me) return `this is ${me}, and not ${giver}`;
  if (holder === me) return 'it is this instance itself that asks';
  if (!(duration > 0 && duration <= longestPromise)) return `nobody promises anything for ${duration} ms`;
  if (isPrimary || memory.renewedAt !== undefined) return `${me} is a primary itself`;
  if (isWriting) return `${me} is asking for the lease at this moment`;
  if (currentPrimary !== holder) return `to ${me} the primary is ${currentPrimary || 'nobody'}`;
  if (targetPrimary !== holder) return `to ${me} the next primary is ${targetPrimary || 'nobody'}`;
  const seen = memory.seen?.holder ?? '';
  if (seen !== '' && seen !== holder) return `to ${me} the lease is held by ${seen}`;
  return { ...memory, promise: { holder, until: boundUntil(memory, facts) } };
}

/** The longest that anybody may count on: also an earlier promise stays in force, whoever it was given to. */
function boundUntil({ seen, promise }: LeaseMemory, { now, duration, ownDuration = 0 }: VoucherFacts) {
  const until = now + Math.max(duration, ownDuration, seen?.promised ?? 0);
  return Math.max(until, promise?.until ?? Number.NEGATIVE_INFINITY);
}

/** Who must promise: everybody who could ever take the lease. */
export interface Electorate {
  readonly me: string;
  /** Every instance that the Cluster, as it was read last, knows of. */
  readonly members: readonly string[];
  /** Who streams from this server at this moment. */
  readonly streaming: readonly string[];
  /** spec.instances. */
  readonly wanted: number;
}

/**
 * The names of those who must promise; undefined when nobody can say who they are: then no promise helps. Empty for an
 * instance that is alone.
 */
export function votersOf({ me, members, streaming, wanted }: Electorate): readonly string[] | undefined {
  const others = members.filter((name) => name !== me);
  const areKnown = streaming.every((name) => others.includes(name)) && members.includes(me);
  return areKnown && others.length + 1 >= wanted ? others : undefined;
}
