import { isUtf8 } from 'node:buffer';
import { JsonlogRecord } from './jsonlog-record.ts';
import { headLength, RecordAssembler, type Transformer } from './record-assembler.ts';
import { jsonFields, type ServerRecord, successState } from './record-fields.ts';
import { RecordWriter, type RecordWriterOptions } from './record-writer.ts';

const lineFeed = 0x0a;

/** Turns the stream of PostgreSQL's jsonlog (15 and newer) into our lines. */
export class JsonlogTransformer implements Transformer {
  readonly #writer: RecordWriter;
  readonly #record: JsonlogRecord;
  readonly #assembler: RecordAssembler;

  /** @param maxRecordBytes a longer record is cut, with a mark */
  constructor(options: RecordWriterOptions & { readonly maxRecordBytes?: number }) {
    this.#writer = new RecordWriter(options);
    this.#record = new JsonlogRecord(this.#writer.out);
    this.#assembler = new RecordAssembler({
      findEnd: (bytes, from) => bytes.indexOf(lineFeed, from),
      reset: () => {},
      ...(options.maxRecordBytes === undefined ? {} : { maxRecordBytes: options.maxRecordBytes }),
    });
  }

  push(chunk: Buffer): void {
    this.#writer.beginChunk();
    this.#assembler.push(
      chunk,
      (bytes, from, to, ends) => this.#lines(bytes, from, to, ends),
      (head, length) =>
        this.#writer.writeRaw(head.toString('utf8'), { truncated: true, record_bytes: length }),
    );
    this.#writer.endChunk();
  }

  end(): void {
    const rest = this.#assembler.rest();
    if (rest.length === 0) return;
    this.#writer.beginChunk();
    this.#line(rest, 0, rest.length, !isUtf8(rest));
    this.#writer.endChunk();
  }

  #lines(bytes: Buffer, from: number, to: number, ends: readonly number[]): void {
    const isSound = isUtf8(bytes.subarray(from, to));
    let start = from;
    for (const end of ends) {
      if (end > start) this.#line(bytes, start, end, !isSound && !isUtf8(bytes.subarray(start, end)));
      start = end + 1;
    }
  }

  #line(bytes: Buffer, start: number, end: number, isInvalidUtf8: boolean): void {
    if (isInvalidUtf8) {
      // Decoding puts U+FFFD in the place of every bad byte.
      const repaired = Buffer.from(bytes.toString('utf8', start, end));
      this.#rewrite(repaired, 0, repaired.length, true);
    } else {
      this.#rewrite(bytes, start, end, false);
    }
  }

  #rewrite(bytes: Buffer, start: number, end: number, isInvalidUtf8: boolean): void {
    const writer = this.#writer;
    writer.beginRecord(isInvalidUtf8);
    const recordAt = writer.out.length;
    if (this.#record.rewrite(bytes, start, end)) {
      if (this.#record.notable) writer.showRecord(recordAt);
      writer.endRecord();
      return;
    }
    writer.cancelRecord();
    const text = bytes.toString('utf8', start, end);
    const record = parseRecord(text);
    if (record === undefined) this.#writeMalformed(text, isInvalidUtf8);
    else writer.writeObject(record, isInvalidUtf8);
  }

  #writeMalformed(text: string, isInvalidUtf8: boolean): void {
    if (text.trim() === '') return;
    const shown = text.length > headLength ? text.slice(0, headLength) : text;
    const marks = { malformed: true, ...(isInvalidUtf8 ? { invalid_utf8: true } : {}) };
    this.#writer.writeRaw(shown.replace(/\r$/, ''), shown === text ? marks : { ...marks, truncated: true });
  }
}

/** The same translation as the fast one, for lines that are JSON but not what PostgreSQL usually writes. */
function parseRecord(text: string): ServerRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const values = Object.fromEntries(
    Object.entries(parsed).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  if (values.message === undefined || values.error_severity === undefined) return undefined;
  return translate(values);
}

function translate(values: Readonly<Record<string, string>>): ServerRecord {
  const record: Record<string, string> = {};
  const set = (key: string, value: string | undefined) => {
    if (value !== undefined && value !== '') record[key] = value;
  };
  for (const [key, value] of Object.entries(values)) {
    if (key === 'message') set('sql_state_code', values.state_code ?? successState);
    if (key === 'remote_host') set('connection_from', joined(value, ':', values.remote_port));
    else if (key === 'file_name') {
      set('location', joined(joined(values.func_name, ', ', value), ':', values.file_line_num));
    } else if (!['remote_port', 'func_name', 'file_line_num'].includes(key))
      set(jsonFields[key] ?? key, value);
  }
  return record;
}

function joined(
  first: string | undefined,
  separator: string,
  second: string | undefined,
): string | undefined {
  return first === undefined || second === undefined ? (first ?? second) : `${first}${separator}${second}`;
}
