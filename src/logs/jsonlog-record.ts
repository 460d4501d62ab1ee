import type { ByteBuilder } from './byte-builder.ts';
import { findKey, type KeyKind } from './jsonlog-keys.ts';

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const space = 0x20;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const carriageReturn = 0x0d;
const stateKey = Buffer.from(',"sql_state_code":"00000"');
const fileSeparator = Buffer.from(', ');
/** Room that a record may need beyond twice its own length: longer names, quotes around numbers. */
const slack = 1024;

/**
 * Rewrites one line of jsonlog as the object `record` of our own line, byte by byte and without an intermediate
 * value: PostgreSQL writes flat objects of strings and integers, and whatever is not like that is left to the caller.
 */
export class JsonlogRecord {
  /** Whether the record just rewritten is of a severity or of a backend that the supervisor wants to see. */
  notable = false;
  readonly #out: ByteBuilder;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** What an unfinished string waits for. */
  #open: KeyKind | undefined;
  #hasState = false;
  #hasMessage = false;

  constructor(out: ByteBuilder) {
    this.#out = out;
  }

  /**
   * Appends `{"log_time":"…",…}` for the line.
   *
   * @returns false when the line is something else (also a pgaudit message); what was appended is taken back then
   */
  rewrite(bytes: Uint8Array, start: number, end: number): boolean {
    const out = this.#out;
    const mark = out.length;
    out.reserve((end - start) * 2 + slack);
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
    this.#open = undefined;
    this.#hasState = false;
    this.#hasMessage = false;
    this.notable = false;
    if (this.#members()) {
      this.#finishOpen();
      // The first member has brought a comma, which becomes the brace.
      out.bytes[mark] = openBrace;
      out.bytes[out.length++] = closeBrace;
      return true;
    }
    out.length = mark;
    return false;
  }

  #members(): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at++] !== openBrace) return false;
    for (;;) {
      if (bytes[this.#at++] !== quote) return false;
      const keyStart = this.#at;
      while (this.#at < this.#end && bytes[this.#at] !== quote) this.#at += 1;
      const keyEnd = this.#at;
      if (bytes[keyEnd + 1] !== colon) return false;
      this.#at = keyEnd + 2;
      const spec = findKey(bytes, keyStart, keyEnd);
      const isGood =
        spec === undefined ? this.#unknown(keyStart, keyEnd) : this.#known(spec.kind, spec.prefix);
      if (!isGood) return false;
      const next = bytes[this.#at++];
      if (next === comma) continue;
      return next === closeBrace && this.#at === this.#end && this.#hasMessage;
    }
  }

  #known(kind: KeyKind, prefix: Uint8Array): boolean {
    const out = this.#out;
    switch (kind) {
      case 'port':
        return this.#continue('host', colon);
      case 'line':
        return this.#continue('file', colon);
      case 'file':
        if (this.#open !== 'function') return this.#begin(kind, prefix);
        out.append(fileSeparator, 0, fileSeparator.length);
        this.#open = 'file';
        return this.#value();
      case 'host':
      case 'function':
        return this.#begin(kind, prefix);
      case 'message':
        this.#hasMessage = true;
        if (!this.#hasState) out.append(stateKey, 0, stateKey.length);
        return !this.#isAudit() && this.#whole(prefix);
      case 'state':
        this.#hasState = true;
        return this.#whole(prefix);
      case 'severity':
        this.notable ||= this.#bytes[this.#at + 1] === 0x46 || this.#bytes[this.#at + 1] === 0x50;
        return this.#whole(prefix);
      case 'backend':
        this.notable ||= this.#isNotableBackend();
        return this.#whole(prefix);
      case 'plain':
        return this.#whole(prefix);
    }
  }

  /** A key of a later release passes through under its own name. */
  #unknown(keyStart: number, keyEnd: number): boolean {
    this.#finishOpen();
    const key = Buffer.from(this.#bytes.subarray(keyStart, keyEnd)).toString('latin1');
    return /^[a-z_]+$/.test(key) && this.#whole(Buffer.from(`,"${key}":"`));
  }

  #whole(prefix: Uint8Array): boolean {
    this.#finishOpen();
    const out = this.#out;
    const mark = out.length;
    out.append(prefix, 0, prefix.length);
    const valueAt = out.length;
    if (!this.#value()) return false;
    if (out.length === valueAt) out.length = mark;
    else out.bytes[out.length++] = quote;
    return true;
  }

  #begin(kind: KeyKind, prefix: Uint8Array): boolean {
    this.#finishOpen();
    this.#out.append(prefix, 0, prefix.length);
    this.#open = kind;
    return this.#value();
  }

  /** The second part of a string whose first part may or may not have come. */
  #continue(first: KeyKind, separator: number): boolean {
    if (this.#open !== first) return false;
    this.#out.bytes[this.#out.length++] = separator;
    return this.#value();
  }

  #finishOpen(): void {
    if (this.#open === undefined) return;
    this.#out.bytes[this.#out.length++] = quote;
    this.#open = undefined;
  }

  /** Copies the inside of a string, or a number, without quotes. */
  #value(): boolean {
    const bytes = this.#bytes;
    const target = this.#out.bytes;
    let at = this.#at;
    let to = this.#out.length;
    let byte = bytes[at]!;
    if (byte !== quote) {
      while (byte > 0x2c && byte < 0x3a && at < this.#end) {
        target[to++] = byte;
        byte = bytes[++at]!;
      }
      this.#out.length = to;
      const hasDigits = at > this.#at;
      this.#at = at;
      return hasDigits;
    }
    const end = this.#end;
    for (at += 1; at < end; at += 1) {
      byte = bytes[at]!;
      if (byte === quote) {
        this.#at = at + 1;
        this.#out.length = to;
        return true;
      }
      if (byte < space) return false;
      target[to++] = byte;
      if (byte === backslash) target[to++] = bytes[++at]!;
    }
    return false;
  }

  #isAudit(): boolean {
    const bytes = this.#bytes;
    const at = this.#at;
    return (
      bytes[at + 1] === 0x41 && bytes[at + 2] === 0x55 && bytes[at + 3] === 0x44 && bytes[at + 6] === colon
    );
  }

  /** `startup`, `postmaster` or `walreceiver`, by their length and first letter. */
  #isNotableBackend(): boolean {
    const bytes = this.#bytes;
    const first = bytes[this.#at + 1];
    const endsAt = (length: number) => bytes[this.#at + 1 + length] === quote;
    return (first === 0x73 && endsAt(7)) || (first === 0x70 && endsAt(10)) || (first === 0x77 && endsAt(11));
  }
}
