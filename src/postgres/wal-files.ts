import { type TimelineEnd, timelineHistoryFileName, timelineSpans } from './timeline-history.ts';

const segmentName = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const historyName = /^[0-9A-F]{8}\.history$/;

/**
 * Name of the segment of WAL in which a position lies (access/xlog_internal.h, XLogFileName).
 *
 * @param segmentSize bytes
 */
export function walFileName(timeline: number, position: bigint, segmentSize: number): string {
  const number = position / BigInt(segmentSize);
  const segmentsPerId = 0x1_0000_0000n / BigInt(segmentSize);
  const parts = [BigInt(timeline), number / segmentsPerId, number % segmentsPerId];
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');
}

/**
 * The files of pg_wal that a standby must not find when it starts to follow the primary: segments that hold, or may hold,
 * WAL from behind the place where the primary left their timeline, and the histories of timelines that the primary does
 * not have.
 *
 * A standby first replays whatever it finds in pg_wal, and then asks the primary for the rest. It does not compare the
 * segments with the history: tried with 15, a standby with the history file of timeline 2 in its pg_wal replayed
 * timeline 1 beyond the fork without a word. With the segments out of its way it streamed the same WAL, up to the fork,
 * from the primary.
 *
 * To be put aside, not deleted: they may be the only copy of a transaction that somebody looks for.
 *
 * @param names what is in pg_wal; names of other kinds are passed over
 * @param segmentSize bytes
 */
export function strayWalFiles(
  names: readonly string[],
  primary: { readonly timeline: number; readonly history: readonly TimelineEnd[] },
  segmentSize: number,
): string[] {
  const ends = new Map(
    timelineSpans(primary.timeline, primary.history).map(({ timeline, end }) => [timeline, end]),
  );
  const histories = new Set(
    [...primary.history, primary].map(({ timeline }) => timelineHistoryFileName(timeline)),
  );
  return names.filter((name) => {
    if (historyName.test(name)) return !histories.has(name);
    const [, timelineDigits, id, segment] = segmentName.exec(name) ?? [];
    if (timelineDigits === undefined) return false;
    const timeline = Number.parseInt(timelineDigits, 16);
    if (!ends.has(timeline)) return true;
    const end = ends.get(timeline);
    const behind = BigInt(`0x${id}`) * 0x1_0000_0000n + (BigInt(`0x${segment}`) + 1n) * BigInt(segmentSize);
    return end !== undefined && behind > end;
  });
}
