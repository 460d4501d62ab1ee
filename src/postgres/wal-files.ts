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

interface Segment {
  readonly timeline: number;
  /** First byte of it. */
  readonly begin: bigint;
  /** First byte behind it. */
  readonly end: bigint;
}

/** What a name of a segment says; undefined for files of other kinds. @param segmentSize bytes */
export function parseWalFileName(name: string, segmentSize: number): Segment | undefined {
  const [, timeline, id, segment] = segmentName.exec(name) ?? [];
  if (timeline === undefined) return undefined;
  const size = BigInt(segmentSize);
  const begin = BigInt(`0x${id}`) * 0x1_0000_0000n + BigInt(`0x${segment}`) * size;
  return { timeline: Number.parseInt(timeline, 16), begin, end: begin + size };
}

/**
 * Whether the bytes with which a segment begins are those of this very segment, and not of one whose file was used again
 * (access/xlog_internal.h, XLogPageHeaderData: magic, info, timeline, page address).
 */
export function isHeadOf(segment: Segment, head: Uint8Array): boolean {
  if (head.length < 16) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint32(4, true) <= segment.timeline && view.getBigUint64(8, true) === segment.begin;
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
    const segment = parseWalFileName(name, segmentSize);
    if (segment === undefined) return false;
    if (!ends.has(segment.timeline)) return true;
    const end = ends.get(segment.timeline);
    return end !== undefined && segment.end > end;
  });
}
