import { ByteBuilder } from './byte-builder.ts';
import { formatLine, type LineFormat, linePrefix } from './line-format.ts';
import { splitAudit } from './pgaudit.ts';
import { isNotable, type ServerRecord } from './record-fields.ts';

/** Size of the buffer for one chunk: what a pipe gives at once, its longer names and an envelope per record. */
const chunkSize = 192 * 1024;
const recordKey = Buffer.from(',"record":');
const invalidKey = Buffer.from(',"invalid_utf8":true');
const envelopeEnd = Buffer.from('}\n');

export interface RecordWriterOptions {
  readonly format: LineFormat;
  /** Path of the pipe, named in lines that could not be understood. */
  readonly source: string;
  /** False when --log-level leaves no room for the server's records (contract 02, 10.3). */
  readonly isShown: boolean;
  /** Takes whole lines; the buffer is used again afterwards. */
  readonly emit: (bytes: Buffer, records: number) => void;
  readonly onNotable: (record: ServerRecord) => void;
}

/** Collects the lines made from one chunk of the server's log, and hands them over together. */
export class RecordWriter {
  readonly out = new ByteBuilder(chunkSize);
  readonly #options: RecordWriterOptions;
  #prefix: Buffer = Buffer.alloc(0);
  #records = 0;
  #mark = 0;

  constructor(options: RecordWriterOptions) {
    this.#options = options;
  }

  /** All records of a chunk carry the same time: that of its arrival. */
  beginChunk(): void {
    this.#prefix = Buffer.from(linePrefix(this.#options.format, 'info', 'postgres', 'record'));
  }

  /** Writes everything that stands before the object `record`, which the caller then appends to `out`. */
  beginRecord(isInvalidUtf8: boolean): void {
    const { out } = this;
    this.#mark = out.length;
    out.reserve(this.#prefix.length + recordKey.length + invalidKey.length);
    out.append(this.#prefix, 0, this.#prefix.length);
    if (isInvalidUtf8) out.append(invalidKey, 0, invalidKey.length);
    out.append(recordKey, 0, recordKey.length);
  }

  endRecord(): void {
    this.out.reserve(envelopeEnd.length);
    this.out.append(envelopeEnd, 0, envelopeEnd.length);
    this.#records += 1;
  }

  /** Takes back what was written since `beginRecord`. */
  cancelRecord(): void {
    this.out.length = this.#mark;
  }

  /** The object just written, for the few records that are looked at. */
  showRecord(recordAt: number): void {
    const text = this.out.bytes.toString('utf8', recordAt, this.out.length);
    this.#options.onNotable(JSON.parse(text) as ServerRecord);
  }

  /** A record that is already an object: the slow way, for what the fast one does not take. */
  writeObject(record: ServerRecord, isInvalidUtf8: boolean): void {
    if (isNotable(record)) this.#options.onNotable(record);
    const audit = splitAudit(record);
    const marks = isInvalidUtf8 ? { invalid_utf8: true } : {};
    this.#writeLine(
      formatLine(this.#options.format, audit === undefined ? 'postgres' : 'pgaudit', 'record', {
        ...marks,
        record: audit ?? record,
      }),
    );
  }

  /** Something that is no record: passed on as it is, and marked. */
  writeRaw(text: string, marks: Readonly<Record<string, unknown>>): void {
    const fields = { source: this.#options.source, ...marks };
    this.#writeLine(formatLine(this.#options.format, 'postgres', text, fields));
  }

  endChunk(): void {
    const records = this.#records;
    this.#records = 0;
    if (this.out.length === 0) return;
    if (this.#options.isShown) this.#options.emit(this.out.take(chunkSize), records);
    else this.out.take(chunkSize);
  }

  #writeLine(line: string): void {
    const bytes = Buffer.from(line);
    this.out.reserve(bytes.length);
    this.out.append(bytes, 0, bytes.length);
    this.#records += 1;
  }
}
