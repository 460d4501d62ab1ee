import { parseLsn } from './lsn.ts';

/** An ancestor of a timeline, as its history file names it. */
export interface TimelineEnd {
  readonly timeline: number;
  /** WAL position at which the next timeline forked off: the first byte that is not this timeline's any more. */
  readonly end: bigint;
}

/** The part of WAL that a server on some timeline takes from one timeline: from `begin` up to, not including, `end`. */
export interface TimelineSpan {
  readonly timeline: number;
  readonly begin: bigint;
  /** Undefined for the timeline that the server is on. */
  readonly end: bigint | undefined;
}

const maxTimeline = 0xffff_ffff;

/** Name of the file in pg_wal and in an archive (access/xlog_internal.h, TLHistoryFileName). Timeline 1 has none. */
export function timelineHistoryFileName(timeline: number): string {
  return `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;
}

/**
 * Reads the text of a history file: a line for each ancestor, the oldest first, with timeline, switch point and, for
 * people, the reason (timeline.c, readTimeLineHistory). Lines that begin with # and empty lines mean nothing.
 *
 * Switch points may go back: a recovery to a target before the point where its timeline forked off makes PostgreSQL
 * write just that (seen with 15). `timelineSpans` says what such a history means.
 *
 * @throws Error that names the line, when it is malformed or its timeline is not greater than the one before
 */
export function parseTimelineHistory(text: string): TimelineEnd[] {
  const ends: TimelineEnd[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const wrong = (why: string) => new Error(`line ${index + 1} of a timeline history ${why}: ${content}`);
    const [, number, position] = /^(\d{1,10})\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)(?:\s|$)/.exec(content) ?? [];
    const end = parseLsn(position ?? '');
    if (number === undefined || end === undefined) throw wrong('names no timeline with its switch point');
    const timeline = Number(number);
    if (timeline < 1 || timeline > maxTimeline) throw wrong('names a timeline that cannot exist');
    const before = ends.at(-1);
    if (before !== undefined && timeline <= before.timeline) throw wrong('is not in increasing order');
    ends.push({ timeline, end });
  }
  return ends;
}

/**
 * The way through the timelines on which a server on `timeline` came to its WAL, the oldest first, without gaps. A
 * timeline that was left before it forked off (see above) gave nothing, and is not on the way. Of two timelines that claim
 * a position the younger has it (timeline.c, tliOfPointInHistory).
 */
export function timelineSpans(timeline: number, history: readonly TimelineEnd[]): TimelineSpan[] {
  const spans: TimelineSpan[] = [];
  let limit: bigint | undefined;
  for (const ancestor of history.toReversed()) {
    if (limit === undefined || ancestor.end < limit) limit = ancestor.end;
    spans.unshift({ timeline: ancestor.timeline, begin: 0n, end: limit });
  }
  let begin = 0n;
  const way: TimelineSpan[] = [];
  for (const span of [...spans, { timeline, end: undefined }]) {
    if (span.end !== undefined && span.end <= begin) continue;
    way.push({ timeline: span.timeline, begin, end: span.end });
    begin = span.end ?? begin;
  }
  return way;
}
