import type { ControlFile } from './control-file.ts';
import { laterLsn } from './lsn.ts';

/** Size of a shutdown checkpoint in WAL: XLogRecord (24), header of its data (2), CheckPoint (88), before alignment. */
const checkpointRecordSize = 114n;
const pageHeaderSize = 24n;
/** The first page of a segment has a longer one (XLogLongPageHeaderData). */
const segmentHeaderSize = 40n;

/**
 * On which timeline a data directory is, and where its WAL ends, by its control file; the server is down.
 *
 * - A server that was shut down as a primary wrote a checkpoint as its last record: `end` is the end of that record.
 * - A standby, also one that crashed, has `minRecoveryPoint`: none of its files holds anything newer (xlog.c,
 *   UpdateMinRecoveryPoint). What it received and did not replay lies behind that, in pg_wal only; before such a standby
 *   starts, what the primary does not have must be put aside (`strayWalFiles`), for it would be replayed first.
 * - After a crash of a primary the end is not known.
 *
 * Not to be asked of a directory with a backup_label: pg_control is not what its recovery begins with, and it is a copy
 * that follows the server it comes from.
 *
 * @returns `end`: undefined when it is not known
 */
export function walEndOf(control: ControlFile): {
  readonly timeline: number;
  readonly end: bigint | undefined;
} {
  const { details } = control;
  // A promotion writes its timeline to minRecoveryPoint long before its first checkpoint is complete.
  const timeline = Math.max(control.timeline, details?.minRecoveryPointTimeline ?? 0);
  if (details === undefined) return { timeline, end: undefined };
  const { minRecoveryPoint } = details;
  switch (control.clusterState) {
    case 'shut down': {
      const end = endOfShutdownCheckpoint(
        control.checkpoint,
        BigInt(details.walBlockSize),
        BigInt(details.walSegmentSize),
      );
      return { timeline, end: laterLsn(minRecoveryPoint, end) };
    }
    case 'shut down in recovery':
    case 'in archive recovery':
      return { timeline, end: minRecoveryPoint === 0n ? undefined : minRecoveryPoint };
    default:
      return { timeline, end: undefined };
  }
}

/**
 * End of the record of a shutdown checkpoint, where the WAL of a primary ends that was shut down: computed, so that nobody
 * has to read WAL. A record that does not fit into its page goes on behind the header of the next (access/xlogrecord.h).
 * Compared with what standbys of 15 and 18 received up to a shutdown at 90 places, 25 of them across two pages.
 */
export function endOfShutdownCheckpoint(location: bigint, blockSize: bigint, segmentSize: bigint): bigint {
  const room = blockSize - (location % blockSize);
  if (room >= checkpointRecordSize) return aligned(location + checkpointRecordSize);
  const nextPage = location + room;
  const header = nextPage % segmentSize === 0n ? segmentHeaderSize : pageHeaderSize;
  return aligned(nextPage + header + checkpointRecordSize - room);
}

/** MAXALIGN on every platform that PostgreSQL 13 and later are built for. */
function aligned(position: bigint): bigint {
  return (position + 7n) & ~7n;
}
