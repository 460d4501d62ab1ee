import { type Decision, decide } from '../../../src/alignment/decide.ts';
import type { Situation } from '../../../src/alignment/facts.ts';
import { isFitToLead } from '../../../src/alignment/fitness.ts';
import { isHeld } from '../../../src/alignment/goal.ts';
import {
  durationToWrite,
  type LeaseMemory,
  type LeaseMove,
  type LeaseSituation,
  leaseFacts,
  nextLeaseMove,
  noteLease,
} from '../../../src/alignment/lease.ts';
import { nextStopMode } from '../../../src/alignment/stop-plan.ts';
import { promiseTo } from '../../../src/alignment/vouching.ts';
import { kinshipOf } from '../../../src/postgres/kinship.ts';

/**
 * Everything that a manager of this world decides by: the real functions, and what the executor does beside them. A
 * mutation changes one of them.
 */
export interface Rules {
  readonly decide: (situation: Situation) => Decision;
  readonly isHeld: typeof isHeld;
  /** The real one does not get to see the clock on the wall. */
  readonly nextLeaseMove: (
    memory: LeaseMemory,
    situation: LeaseSituation & { readonly wallClock: number },
  ) => LeaseMove;
  readonly noteLease: typeof noteLease;
  readonly leaseFacts: typeof leaseFacts;
  readonly durationToWrite: typeof durationToWrite;
  readonly promiseTo: typeof promiseTo;
  /** The promise of some of the others is not enough. */
  readonly needsAllPromises: boolean;
  readonly isFitToLead: typeof isFitToLead;
  readonly kinshipOf: typeof kinshipOf;
  readonly nextStopMode: typeof nextStopMode;
  /** A process beside the primary stops it when the manager cannot. */
  readonly hasWatchdog: boolean;
  /** A promotion takes a number that no timeline bears: an archive that all share keeps the history files of all. */
  readonly sharesHistoryFiles: boolean;
  /** An older reading of the Cluster never replaces a newer one. */
  readonly keepsNewestCluster: boolean;
  /** Right before a server is made a primary, the clock is looked at once more. */
  readonly checksLeaseBeforeActing: boolean;
  /** The same, before it is announced. */
  readonly checksLeaseBeforeAnnouncing: boolean;
  /** The watchdog is told before a server may become a primary, not by the next look of the loop. */
  readonly guardsBeforeActing: boolean;
  /** What a postmaster has left behind is killed, and counts as its server until it has ended. */
  readonly killsWhatIsLeft: boolean;
  /** The watchdog of a manager that died goes on until the one that takes the server over has told it more. */
  readonly keepsGuardOnTakeover: boolean;
  /** Milliseconds that an immediate stop gets when the time of the lease is over, before the server is killed. */
  readonly isolationPatience: number;
  /** A new set of synchronous standbys is told to the operator only when it has what an older set was waited for. */
  readonly waitsForNewStandbys: boolean;
  /** That patience holds also when the stop was begun for something else. */
  readonly shortensStops: boolean;
}

export const realRules: Rules = {
  decide: (situation) => decide(situation),
  isHeld,
  nextLeaseMove,
  noteLease,
  leaseFacts,
  durationToWrite,
  promiseTo,
  needsAllPromises: true,
  isFitToLead,
  kinshipOf,
  nextStopMode,
  hasWatchdog: true,
  sharesHistoryFiles: true,
  keepsNewestCluster: true,
  checksLeaseBeforeActing: true,
  checksLeaseBeforeAnnouncing: true,
  guardsBeforeActing: true,
  killsWhatIsLeft: true,
  keepsGuardOnTakeover: true,
  isolationPatience: 3_000,
  waitsForNewStandbys: true,
  shortensStops: true,
};
