import type { Transformer } from '../../../src/logs/record-assembler.ts';
import type { ServerRecord } from '../../../src/logs/record-fields.ts';
import type { RecordWriterOptions } from '../../../src/logs/record-writer.ts';

export type Line = Record<string, unknown> & { record?: Record<string, unknown>; msg?: string };

/** Runs a stream of chunks through a transformer and reads back what it wrote. */
export function transform(
  make: (options: RecordWriterOptions & { maxRecordBytes?: number }) => Transformer,
  chunks: readonly Buffer[],
  options: { maxRecordBytes?: number; pod?: string; isShown?: boolean } = {},
): { lines: Line[]; counted: number; notable: ServerRecord[]; bytes: Buffer } {
  const out: Buffer[] = [];
  const notable: ServerRecord[] = [];
  let counted = 0;
  const transformer = make({
    format: { levelKey: 'level', timestampKey: 'ts', pod: options.pod },
    source: '/log/server',
    isShown: options.isShown ?? true,
    emit: (bytes, records) => {
      out.push(Buffer.from(bytes));
      counted += records;
    },
    onNotable: (record) => notable.push(record),
    ...(options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes }),
  });
  for (const chunk of chunks) transformer.push(chunk);
  transformer.end();
  const bytes = Buffer.concat(out);
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  return { lines, counted, notable, bytes };
}

/** Cuts a buffer at the given places, which need not be in order or inside. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ordered = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const bounds = [0, ...ordered, bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
}
