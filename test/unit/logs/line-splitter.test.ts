import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineMarks, LineSplitter } from '../../../src/logs/line-splitter.ts';

type Line = readonly [text: string, marks: LineMarks];

function split(...chunks: ReadonlyArray<Buffer | string>): Line[] {
  const lines: Line[] = [];
  const splitter = new LineSplitter((line, marks) => void lines.push([line, marks]));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test('lines, however they are cut into chunks', () => {
  const lines = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/[\r\n]/.test(line)),
  );
  fc.assert(
    fc.property(lines, fc.array(fc.nat()), (texts, cuts) => {
      const bytes = Buffer.from(texts.map((line) => `${line}\n`).join(''));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
        (a, b) => a - b,
      );
      const chunks = places.map((place, index) => bytes.subarray(place, places[index + 1]));
      expect(split(...chunks)).toEqual(texts.map((line) => [line, {}]));
    }),
  );
});

test('a carriage return at the end, an empty line, a last line without its end', () => {
  expect(split('one\r\n\n\r', '\ntwo')).toEqual([
    ['one', {}],
    ['two', {}],
  ]);
});

describe('bytes that are no UTF-8', () => {
  test('are replaced, and the line is marked; its neighbours are not', () => {
    const latin1 = Buffer.from('caf\u00e9', 'latin1');
    expect(split('caf\u00e9\n', latin1, '\n', 'it said caf\ufffd\n')).toEqual([
      ['caf\u00e9', {}],
      ['caf\ufffd', { invalid_utf8: true }],
      ['it said caf\ufffd', {}],
    ]);
  });
});

test('a line that is too long comes in pieces, and no character is cut', () => {
  const text = 'x'.repeat(1024 * 1024 - 1) + '\u20ac'.repeat(400_000);
  const lines = split(text, '\nnext\n');
  expect(lines.map(([, marks]) => marks)).toEqual([{ continued: true }, { continued: true }, {}, {}]);
  expect(
    lines
      .slice(0, 3)
      .map(([line]) => line)
      .join(''),
  ).toBe(text);
  expect(lines[3]![0]).toBe('next');
});
