import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isHeadOf, parseWalFileName, strayWalFiles, walFileName } from '../../../src/postgres/wal-files.ts';

const megabyte = 1024 * 1024;
const segmentSize = 16 * megabyte;

test.each([
  [1, 0x300_0028n, segmentSize, '000000010000000000000003'],
  [0xa, 0xffff_ffffn, segmentSize, '0000000A00000000000000FF'],
  [2, 0x1_0000_0000n, segmentSize, '000000020000000100000000'],
  [2, 0x1_4000_0000n, 1024 * megabyte, '000000020000000100000001'],
])('the segment of timeline %i at %s', (timeline, position, size, name) => {
  expect(walFileName(timeline, position, size)).toBe(name);
});

test('the name of a segment says which positions it holds', () => {
  const position = fc.bigInt({ min: 0n, max: 2n ** 60n });
  const size = fc.constantFrom(1, 16, 64, 1024).map((count) => count * megabyte);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), position, size, (timeline, at, bytes) => {
      const segment = parseWalFileName(walFileName(timeline, at, bytes), bytes);
      expect(segment?.timeline).toBe(timeline);
      expect(segment!.begin <= at && at < segment!.end).toBe(true);
      expect(segment!.end - segment!.begin).toBe(BigInt(bytes));
    }),
    { numRuns: 2000 },
  );
  for (const name of ['00000002.history', '000000010000000000000003.partial', 'xlogtemp.712'])
    expect(parseWalFileName(name, segmentSize)).toBeUndefined();
});

test('a file that was used again for another segment is not taken for this one', () => {
  const segment = parseWalFileName('000000020000000000000005', segmentSize)!;
  const head = (timeline: number, address: bigint) => {
    const bytes = Buffer.alloc(40);
    bytes.writeUInt16LE(0xd110, 0);
    bytes.writeUInt32LE(timeline, 4);
    bytes.writeBigUInt64LE(address, 8);
    return bytes;
  };
  expect(isHeadOf(segment, head(2, 0x500_0000n))).toBe(true);
  // It was begun on the timeline before, and taken over when that ended in the middle of it.
  expect(isHeadOf(segment, head(1, 0x500_0000n))).toBe(true);
  expect(isHeadOf(segment, head(3, 0x500_0000n))).toBe(false);
  expect(isHeadOf(segment, head(2, 0x200_0000n))).toBe(false);
  expect(isHeadOf(segment, Buffer.alloc(12))).toBe(false);
});

describe('stray files', () => {
  const primary = { timeline: 3, history: [{ timeline: 1, end: 0x300_0100n }] };
  test.each([
    ['000000010000000000000002', false],
    // The place where the primary left timeline 1 lies in this segment: its rest is not the primary's.
    ['000000010000000000000003', true],
    ['000000010000000000000004', true],
    ['000000020000000000000001', true],
    ['000000030000000000000003', false],
    ['0000000300000009000000FE', false],
    ['00000002.history', true],
    ['00000003.history', false],
    ['00000001.history', false],
    ['000000010000000000000003.partial', false],
    ['000000010000000000000004.00000028.backup', false],
    ['archive_status', false],
    ['xlogtemp.712', false],
  ])('%s: %s', (name, isStray) => {
    expect(strayWalFiles([name], primary, segmentSize)).toEqual(isStray ? [name] : []);
  });
  test('a segment that ends where the primary left the timeline is all its own', () => {
    const exact = { timeline: 3, history: [{ timeline: 1, end: 0x400_0000n }] };
    const names = ['000000010000000000000003', '000000010000000000000004'];
    expect(strayWalFiles(names, exact, segmentSize)).toEqual(['000000010000000000000004']);
  });
  test('a primary that never left its timeline leaves no file stray on it', () => {
    expect(strayWalFiles(['000000010000000000000003'], { timeline: 1, history: [] }, segmentSize)).toEqual(
      [],
    );
  });
  test('exactly the segments with a byte that is not the primary’s', () => {
    const position = fc.bigInt({ min: 0n, max: 2n ** 40n });
    const size = fc.constantFrom(1, 16, 64, 1024).map((count) => count * megabyte);
    fc.assert(
      fc.property(position, position, size, (end, other, bytes) => {
        const name = walFileName(1, other, bytes);
        const last = (other / BigInt(bytes) + 1n) * BigInt(bytes) - 1n;
        const found = strayWalFiles([name], { timeline: 2, history: [{ timeline: 1, end }] }, bytes);
        expect(found.length === 1).toBe(last >= end);
      }),
      { numRuns: 2000 },
    );
  });
});
