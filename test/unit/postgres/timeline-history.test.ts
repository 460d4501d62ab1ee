import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import {
  parseTimelineHistory,
  timelineHistoryFileName,
  timelineSpans,
} from '../../../src/postgres/timeline-history.ts';

test('the name of a history file', () => {
  expect(timelineHistoryFileName(2)).toBe('00000002.history');
  expect(timelineHistoryFileName(0xabcdef01)).toBe('ABCDEF01.history');
});

describe('the text of a history file', () => {
  test('as PostgreSQL writes it', () => {
    const text =
      '1\t0/5000000\tno recovery target specified\n\n2\t1A/3002160\tat restore point "early 3\t0/0"\n';
    expect(parseTimelineHistory(text)).toEqual([
      { timeline: 1, end: 0x500_0000n },
      { timeline: 2, end: 0x1a_0300_2160n },
    ]);
  });
  test('comments, blanks and a missing end of line', () => {
    expect(parseTimelineHistory('# 9 x\n  \n\t4 0/10')).toEqual([{ timeline: 4, end: 0x10n }]);
    expect(parseTimelineHistory('')).toEqual([]);
  });
  test.each([
    ['1\t0/10\n1\t0/20\n', 'line 2'],
    ['2\t0/10\n\n1\t0/20\n', 'line 3'],
    ['1', 'line 1'],
    ['one\t0/10', 'line 1'],
    ['# c\n-1\t0/10', 'line 2'],
    ['0\t0/10', 'line 1'],
    ['4294967296\t0/10', 'line 1'],
    ['1\t0-10', 'line 1'],
    ['1\t0/123456789', 'line 1'],
    ['1\t0/10x', 'line 1'],
  ])('%j is refused, and the line is named', (text, line) => {
    expect(() => parseTimelineHistory(text)).toThrow(line);
  });
  test('what is written is read', () => {
    const ends = fc.uniqueArray(fc.integer({ min: 1, max: 0xffff_ffff })).chain((timelines) =>
      fc.tuple(
        ...timelines
          .toSorted((a, b) => a - b)
          .map((timeline) =>
            fc.record({
              timeline: fc.constant(timeline),
              end: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
            }),
          ),
      ),
    );
    fc.assert(
      fc.property(ends, fc.string(), (history, reason) => {
        const why = reason.replaceAll('\n', ' ');
        const text = history
          .map(({ timeline, end }) => `${timeline}\t${formatLsn(end)}\t${why}\n`)
          .join('\n');
        expect(parseTimelineHistory(text)).toEqual(history);
      }),
    );
  });
});

describe('the way through the timelines', () => {
  test('has no gaps', () => {
    expect(timelineSpans(1, [])).toEqual([{ timeline: 1, begin: 0n, end: undefined }]);
    const history = [
      { timeline: 1, end: 10n },
      { timeline: 3, end: 25n },
    ];
    expect(timelineSpans(4, history)).toEqual([
      { timeline: 1, begin: 0n, end: 10n },
      { timeline: 3, begin: 10n, end: 25n },
      { timeline: 4, begin: 25n, end: undefined },
    ]);
  });
  test('leaves out a timeline that recovery stopped before (seen with PostgreSQL 15)', () => {
    const history = parseTimelineHistory(
      '1\t0/5000000\tno recovery target specified\n2\t0/3002160\tat restore point "early"\n',
    );
    expect(timelineSpans(3, history)).toEqual([
      { timeline: 1, begin: 0n, end: 0x300_2160n },
      { timeline: 3, begin: 0x300_2160n, end: undefined },
    ]);
  });
  test('gives every position to the youngest timeline that claims it', () => {
    const history = fc.array(fc.bigInt({ min: 1n, max: 30n }), { maxLength: 6 });
    fc.assert(
      fc.property(history, fc.bigInt({ min: 0n, max: 31n }), (positions, position) => {
        const ends = positions.map((end, index) => ({ timeline: index + 1, end }));
        const spans = timelineSpans(positions.length + 1, ends);
        // As tliOfPointInHistory: the youngest first, each from where its parent ended to where it ended itself.
        const youngest = [...ends, { timeline: positions.length + 1, end: undefined }].findLast(
          ({ end }, index) =>
            (ends[index - 1]?.end ?? 0n) <= position && (end === undefined || position < end),
        );
        const found = spans.filter(
          ({ begin, end }) => begin <= position && (end === undefined || position < end),
        );
        expect(found.map(({ timeline }) => timeline)).toEqual([youngest?.timeline]);
      }),
      { numRuns: 2000 },
    );
  });
});
