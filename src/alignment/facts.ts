import type { Failures } from './pacing.ts';
import type { StepName } from './step-name.ts';

/**
 * What the decisions of this directory are made from. Nothing here is a boolean that could also be unknown: what was not
 * seen says so. Times are milliseconds of one clock that never goes back and goes on while the machine sleeps.
 */

/**
 * What PGDATA holds. `torn`: a rewind was begun and not completed, so that nothing but a rewind may touch it. `unclear`: it
 * cannot be looked at, or holds something that is no whole database.
 */
export type DataRole = 'empty' | 'torn' | 'unclear' | 'primary' | 'standby';

/** This instance, as its files and its server show it. */
export interface InstanceFacts {
  readonly name: string;
  /** A standby whose promotion was asked for counts as a primary from that moment on. */
  readonly data: DataRole;
  /** What is wrong with PGDATA, for people; undefined: nothing. */
  readonly dataProblem?: string | undefined;
  /** Whether a postmaster exists, whatever it does. */
  readonly server: 'down' | 'up';
  /** What the server itself says of its role; unknown when it does not answer. */
  readonly role: 'primary' | 'standby' | 'unknown';
  /** The promotion of this server was asked for, and nobody has seen the end of it; undefined: it was not. */
  readonly isPromoting?: boolean;
  /** It was promoted, and yet wrote to the timeline of before: nobody may take it for a primary. Undefined: it was not. */
  readonly isOnOldTimeline?: boolean;
  /** Whether WAL of another instance still arrives. */
  readonly receiver: 'receiving' | 'idle' | 'unknown';
  /** How the WAL of this directory relates to that of the present primary (src/postgres/kinship.ts). */
  readonly kinship: 'unknown' | 'straight' | 'forked' | 'foreign';
  /** The standby says that it cannot go on with the WAL of its source. */
  readonly isAstray: boolean;
  /** The source of this standby no longer has the WAL that comes next; undefined: it did not say so. */
  readonly isStranded?: boolean;
  /** Whether the files name the present primary as the source of WAL. */
  readonly source: 'right' | 'wrong';
}

/** The Cluster, as far as roles depend on it (contract 03, 4.2). */
export interface ClusterFacts {
  /** Empty as long as there has been no primary. */
  readonly currentPrimary: string;
  /** Empty as long as nobody has chosen; then an instance, or `pending` (contract 03, 3.10). */
  readonly targetPrimary: string;
  /** A person asked that this instance's server does not run (contract 03, 3.12). */
  readonly isFenced: boolean;
  /**
   * When the reading was asked for that this comes from, of the newest object and not of a cache; undefined: it is always
   * the newest. An instance that was cut off may find the lease free and still believe that it is the primary.
   */
  readonly readAt?: number | undefined;
  /** Nobody is chosen, and this instance may choose itself as soon as it holds the lease (src/cluster/founder.ts). */
  readonly isCandidate?: boolean;
  /** A person asked that this instance's data is put aside and the primary copied anew; undefined: nobody did. */
  readonly isRecloneAsked?: boolean;
}

/** Stands for whatever an instance without a Cluster around it may follow. */
const somebody = '(elsewhere)';

/**
 * The Cluster of an instance that shares it with nobody: it is the primary, unless a person made a standby of it, which is
 * then theirs to promote.
 */
export function loneClusterFacts(me: string, data: InstanceFacts['data']): ClusterFacts {
  const primary = data === 'standby' ? somebody : me;
  return { currentPrimary: data === 'empty' ? '' : primary, targetPrimary: primary, isFenced: false };
}

/** The lease of the primary, as this instance knows it. */
export interface LeaseFacts {
  /** `none`: never held by this process. `lost`: somebody else has it. `unknown`: it cannot be read. */
  readonly standing: 'none' | 'held' | 'lost' | 'unknown';
  /** Since when it has been held without a break. */
  readonly heldSince: number | undefined;
  /** When a primary must be stopped unless the lease is renewed before; undefined: it was never held. */
  readonly fenceAt: number | undefined;
}

/** Everything that a decision depends on. */
export interface Situation {
  readonly instance: InstanceFacts;
  /** Undefined until the Cluster was read for the first time. */
  readonly cluster: ClusterFacts | undefined;
  readonly lease: LeaseFacts;
  /** Steps that have failed; undefined: none. */
  readonly failures?: Failures;
  /** The step that is being carried out at this moment; undefined: none. */
  readonly running?: StepName | undefined;
  /** The process is asked to end. */
  readonly isQuitting: boolean;
  /** Until when a server that was found running, and taken over, may go on without a lease. */
  readonly adoptionGraceEnds: number;
  readonly now: number;
}
