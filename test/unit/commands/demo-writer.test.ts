import { describe, expect, test } from 'vitest';
import { GapTracker } from '../../../src/commands/demo/gaps.ts';
import { summaryLines } from '../../../src/commands/demo/summary.ts';

/** Rows every 20 ms. */
function rows(gaps: GapTracker, from: number, to: number, by = 'a'): void {
  for (let at = from; at <= to; at += 20) gaps.acknowledged(at, by);
}

describe('write gaps', () => {
  test('are the longest times between two rows', () => {
    const gaps = new GapTracker();
    rows(gaps, 0, 100);
    expect(gaps.acknowledged(350, 'b')).toEqual({ at: 350, by: 'b', gap: 250, before: 'a' });
    expect(gaps.longest).toBe(250);
  });
  test('belong to the event that was last when they began', () => {
    const gaps = new GapTracker();
    rows(gaps, 0, 100);
    const first = gaps.event(110);
    rows(gaps, 400, 500);
    const second = gaps.event(505);
    rows(gaps, 520, 1000);
    expect([first.longest, second.longest]).toEqual([300, 20]);
  });
  test('belong to both when one event comes in the gap of another', () => {
    const gaps = new GapTracker();
    rows(gaps, 0, 100);
    const kill = gaps.event(110);
    const failover = gaps.event(1110);
    rows(gaps, 5100, 5200, 'b');
    expect([kill.longest, failover.longest]).toEqual([5000, 5000]);
    gaps.acknowledged(12_000, 'b');
    expect([kill.longest, failover.longest]).toEqual([5000, 6800]);
  });
  test('grow while no row comes', () => {
    const gaps = new GapTracker();
    rows(gaps, 0, 100);
    const event = gaps.event(110);
    expect(gaps.soFar(event, 600)).toBe(500);
    rows(gaps, 700, 800);
    gaps.event(810);
    rows(gaps, 820, 840);
    expect(gaps.soFar(event, 9000)).toBe(600);
  });
  test('do not belong to an event that was over when its successor came', () => {
    const gaps = new GapTracker();
    rows(gaps, 0, 100);
    const switchover = gaps.event(110);
    rows(gaps, 400, 500);
    const kill = gaps.event(510);
    rows(gaps, 7000, 7100);
    expect([switchover.longest, kill.longest]).toEqual([300, 6500]);
  });
  test('are none before the first row', () => {
    const gaps = new GapTracker();
    const early = gaps.event(10);
    gaps.event(20);
    rows(gaps, 1000, 1100);
    expect(early.longest).toBe(0);
    expect(gaps.soFar(early, 5000)).toBe(0);
  });
});

describe('the last words', () => {
  const deeds = [
    { text: 'promote demo-2', gap: { longest: 231.4 } },
    { text: 'kill -9 of all processes of demo-2', gap: { longest: 12_340 } },
  ];
  test('name the write gap of everything that was done', () => {
    const audit = { primary: 'demo-1', acknowledged: 1234, lost: [], unanswered: 2 };
    expect(summaryLines(deeds, audit, 1234)).toEqual([
      '',
      'what was done                         write gap',
      'promote demo-2                           231 ms',
      'kill -9 of all processes of demo-2       12.3 s',
      '',
      '1,234 rows acknowledged, and every one of them is on demo-1, the primary at the end. 2 rows more whose answer got lost.',
    ]);
  });
  test('name the rows that are lost', () => {
    const audit = { primary: 'demo-1', acknowledged: 20, lost: [7, 9], unanswered: 0 };
    expect(summaryLines([], audit, 20)).toEqual([
      '',
      'LOST: 2 rows of 20 acknowledged ones are not on demo-1: 7, 9.',
    ]);
  });
  test('say when nothing could be compared', () => {
    expect(summaryLines([], undefined, 5)).toEqual([
      '',
      'No primary answers: 5 acknowledged rows not checked.',
    ]);
    expect(summaryLines([], undefined, 0)).toEqual(['', 'No row was acknowledged.']);
  });
});
