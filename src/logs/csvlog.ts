import { isUtf8 } from 'node:buffer';
import { CsvlogRecord, CsvRecordEnds } from './csvlog-record.ts';
import { headLength, RecordAssembler, type Transformer } from './record-assembler.ts';
import type { ServerRecord } from './record-fields.ts';
import { RecordWriter, type RecordWriterOptions } from './record-writer.ts';

/** The time with which every record begins: where to go on after something that is no record. */
const recordStart = /\n(?=\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^\s,]+,)/;

/** Turns the stream of PostgreSQL's csvlog (any release) into our lines. */
export class CsvlogTransformer implements Transformer {
  readonly #writer: RecordWriter;
  readonly #record: CsvlogRecord;
  readonly #assembler: RecordAssembler;

  /** @param maxRecordBytes a longer record is cut, with a mark */
  constructor(options: RecordWriterOptions & { readonly maxRecordBytes?: number }) {
    this.#writer = new RecordWriter(options);
    this.#record = new CsvlogRecord(this.#writer.out);
    this.#assembler = new RecordAssembler({
      ...new CsvRecordEnds(),
      ...(options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes }),
    });
  }

  push(chunk: Buffer): void {
    this.#writer.beginChunk();
    this.#assembler.push(
      chunk,
      (bytes, from, to, ends) => this.#records(bytes, from, to, ends),
      (head, length) =>
        this.#writer.writeRaw(head.toString('utf8'), { truncated: true, record_bytes: length }),
    );
    this.#writer.endChunk();
  }

  end(): void {
    const rest = this.#assembler.rest();
    if (rest.length === 0) return;
    this.#writer.beginChunk();
    this.#recordOrRemains(rest, 0, rest.length);
    this.#writer.endChunk();
  }

  #records(bytes: Buffer, from: number, to: number, ends: readonly number[]): void {
    const isSound = isUtf8(bytes.subarray(from, to));
    let start = from;
    for (const end of ends) {
      if (end > start && !this.#rewrite(bytes, start, end, isSound)) this.#remains(bytes, start, end);
      start = end + 1;
    }
  }

  #recordOrRemains(bytes: Buffer, start: number, end: number): void {
    if (end > start && !this.#rewrite(bytes, start, end, false)) this.#remains(bytes, start, end);
  }

  /** @returns false when this is no record */
  #rewrite(bytes: Buffer, start: number, end: number, isKnownSound: boolean): boolean {
    const isSound = isKnownSound || isUtf8(bytes.subarray(start, end));
    // Decoding puts U+FFFD in the place of every bad byte.
    const source = isSound ? bytes : Buffer.from(bytes.toString('utf8', start, end));
    const writer = this.#writer;
    writer.beginRecord(!isSound);
    const recordAt = writer.out.length;
    const isRecord = isSound
      ? this.#record.rewrite(source, start, end)
      : this.#record.rewrite(source, 0, source.length);
    if (!isRecord) {
      writer.cancelRecord();
      return false;
    }
    if (this.#record.isAudit) {
      const record = JSON.parse(
        writer.out.bytes.toString('utf8', recordAt, writer.out.length),
      ) as ServerRecord;
      writer.cancelRecord();
      writer.writeObject(record, !isSound);
      return true;
    }
    if (this.#record.notable) writer.showRecord(recordAt);
    writer.endRecord();
    return true;
  }

  /**
   * A quote out of place makes one "record" of several lines. What stands before the next line that begins like a
   * record is passed on, marked; from there it goes on line by line.
   */
  #remains(bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString('latin1', start, end);
    const next = recordStart.exec(text);
    const length = next === null ? text.length : next.index;
    this.#writeMalformed(bytes.subarray(start, start + length));
    if (next === null) return;
    const rest = Buffer.from(bytes.subarray(start + length + 1, end));
    const ends = new CsvRecordEnds();
    for (let from = 0; from < rest.length; ) {
      const found = ends.findEnd(rest, from);
      const to = found < 0 ? rest.length : found;
      this.#recordOrRemains(rest, from, to);
      from = to + 1;
    }
  }

  #writeMalformed(bytes: Buffer): void {
    const text = bytes.subarray(0, headLength).toString('utf8').replace(/\r$/, '');
    if (text.trim() === '') return;
    const isCut = bytes.length > headLength;
    this.#writer.writeRaw(text, {
      malformed: true,
      ...(isUtf8(bytes) ? {} : { invalid_utf8: true }),
      ...(isCut ? { truncated: true, record_bytes: bytes.length } : {}),
    });
  }
}
