import type { ByteBuilder } from './byte-builder.ts';
import { auditTag, csvColumnCounts, csvFields } from './record-fields.ts';

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const space = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;
/** Longest escape of one byte: `\u0000`. */
const longestEscape = 6;
const slack = 1024;
const hex = Buffer.from('0123456789abcdef');

const prefixes = csvFields.map((name) => Buffer.from(`,"${name}":"`));
const column = (name: (typeof csvFields)[number]) => csvFields.indexOf(name);
const severityColumn = column('error_severity');
const messageColumn = column('message');
const backendColumn = column('backend_type');
const audit = Buffer.from(auditTag);
const notableSeverities = ['FATAL', 'PANIC'].map((text) => Buffer.from(text));
const notableBackends = ['startup', 'walreceiver', 'postmaster'].map((text) => Buffer.from(text));

/** Escapes for the bytes below a space; 0: as \u00XX. */
const shortEscapes: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72 };

/** Rewrites one record of csvlog as the object `record`, byte by byte. */
export class CsvlogRecord {
  notable = false;
  /** True when the message is one of pgaudit's, which the slow way takes apart. */
  isAudit = false;
  readonly #out: ByteBuilder;

  constructor(out: ByteBuilder) {
    this.#out = out;
  }

  /**
   * Appends `{"log_time":"…",…}` for the record in [start, end), without the line feed at its end.
   *
   * @returns false when it has another number of columns than any release writes; what was appended is taken back then
   */
  rewrite(bytes: Uint8Array, start: number, end: number): boolean {
    const out = this.#out;
    const mark = out.length;
    const stop = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
    out.reserve((stop - start) * 2 + slack);
    this.notable = false;
    this.isAudit = false;
    let at = start;
    let index = 0;
    for (; ; index += 1) {
      const prefix = prefixes[index];
      if (prefix === undefined) break;
      const fieldMark = out.length;
      out.append(prefix, 0, prefix.length);
      const valueAt = out.length;
      at = bytes[at] === quote ? this.#quoted(bytes, at + 1, stop) : this.#bare(bytes, at, stop);
      if (at < 0) break;
      if (out.length === valueAt) out.length = fieldMark;
      else {
        this.#look(index, valueAt);
        out.bytes[out.length++] = quote;
      }
      if (at >= stop) break;
      if (bytes[at] !== comma) {
        at = -1;
        break;
      }
      at += 1;
    }
    if (at !== stop || !csvColumnCounts.includes(index + 1) || out.length === mark) {
      out.length = mark;
      return false;
    }
    out.bytes[mark] = openBrace;
    out.bytes[out.length++] = closeBrace;
    return true;
  }

  /** @returns position behind the closing quote, or -1 */
  #quoted(bytes: Uint8Array, start: number, stop: number): number {
    const out = this.#out;
    let target = out.bytes;
    let to = out.length;
    for (let at = start; at < stop; at += 1) {
      const byte = bytes[at]!;
      if (byte >= space && byte !== quote && byte !== backslash) {
        target[to++] = byte;
        continue;
      }
      if (byte === quote) {
        if (bytes[at + 1] !== quote || at + 1 >= stop) {
          out.length = to;
          return at + 1;
        }
        at += 1;
      }
      // Escapes make it longer than what was reserved for plain text.
      out.length = to;
      out.reserve((stop - at) * 2 + longestEscape + slack);
      target = out.bytes;
      to = writeEscape(target, to, byte);
    }
    return -1;
  }

  /** Numbers and names; a quote inside is no csvlog. */
  #bare(bytes: Uint8Array, start: number, stop: number): number {
    const out = this.#out;
    const target = out.bytes;
    let to = out.length;
    let at = start;
    for (; at < stop; at += 1) {
      const byte = bytes[at]!;
      if (byte === comma) break;
      if (byte < space || byte === quote || byte === backslash) return -1;
      target[to++] = byte;
    }
    out.length = to;
    return at;
  }

  #look(index: number, valueAt: number): void {
    if (index === severityColumn) this.notable ||= this.#is(valueAt, notableSeverities);
    else if (index === backendColumn) this.notable ||= this.#is(valueAt, notableBackends);
    else if (index === messageColumn) {
      const { bytes, length } = this.#out;
      this.isAudit =
        length - valueAt > audit.length && audit.equals(bytes.subarray(valueAt, valueAt + audit.length));
    }
  }

  #is(valueAt: number, values: readonly Buffer[]): boolean {
    const { bytes, length } = this.#out;
    return values.some(
      (value) => value.length === length - valueAt && value.equals(bytes.subarray(valueAt, length)),
    );
  }
}

function writeEscape(target: Uint8Array, to: number, byte: number): number {
  let at = to;
  target[at++] = backslash;
  const short = byte >= space ? byte : shortEscapes[byte];
  if (short !== undefined) {
    target[at++] = short;
    return at;
  }
  target[at++] = 0x75;
  target[at++] = 0x30;
  target[at++] = 0x30;
  target[at++] = hex[byte >> 4]!;
  target[at++] = hex[byte & 15]!;
  return at;
}

/** Finds the line feeds that are not inside of quotes; keeps its state from one chunk to the next. */
export class CsvRecordEnds {
  #isQuoted = false;

  readonly findEnd = (bytes: Uint8Array, from: number): number => {
    let isQuoted = this.#isQuoted;
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === quote) isQuoted = !isQuoted;
      else if (byte === lineFeed && !isQuoted) {
        this.#isQuoted = false;
        return at;
      }
    }
    this.#isQuoted = isQuoted;
    return -1;
  };

  readonly reset = (): void => {
    this.#isQuoted = false;
  };
}
