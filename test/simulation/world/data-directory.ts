import type { WalPast } from '../../../src/postgres/kinship.ts';
import { timelineHistory, type WalEnd } from './wal.ts';

/** What `synchronous_standby_names` says. */
export interface SynchronousNames {
  readonly method: 'any' | 'first';
  readonly number: number;
  readonly names: readonly string[];
}

/** One PGDATA: what is still there after everything that runs has been killed. */
export interface DataDirectory {
  /** Undefined: empty. */
  end: WalEnd | undefined;
  /** standby.signal. */
  isStandby: boolean;
  /** A rewind was begun and not completed. */
  isTorn: boolean;
  /** The rewind has begun to change files: what is here is neither the old state nor the new one. */
  isMixed: boolean;
  /** pg_control says "shut down": the end of the WAL is known without a recovery. */
  isShutDown: boolean;
  /** The host in primary_conninfo. */
  source: string;
  /** The highest number of a history file in pg_wal: the next promotion takes one more. */
  newestTimeline: number;
  /** WAL up to here has been removed. */
  removedUpTo: number;
  /** The timeline in pg_control, which is that of the last checkpoint; pg_rewind goes by the source's. */
  checkpointTimeline: number;
  /** As the generated files have it: a server reads them at its start and at each reload. */
  synchronous: SynchronousNames | undefined;
}

export function emptyDirectory(): DataDirectory {
  return {
    end: undefined,
    isStandby: false,
    isTorn: false,
    isMixed: false,
    isShutDown: true,
    source: '',
    newestTimeline: 1,
    removedUpTo: 0,
    checkpointTimeline: 1,
    synchronous: undefined,
  };
}

/**
 * What pg_control and the history files show of a directory; a primary that crashed does not know where its WAL ends, one
 * that runs does.
 */
export function walPast(directory: DataDirectory, isRunning: boolean): WalPast {
  const { branch, lsn } = directory.end!;
  return {
    systemIdentifier: String(branch.system),
    timeline: branch.timeline,
    history: timelineHistory(branch).map(({ timeline, end }) => ({ timeline, end: BigInt(end) })),
    end: directory.isShutDown || directory.isStandby || isRunning ? BigInt(lsn) : undefined,
  };
}
