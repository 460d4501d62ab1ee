/** Bytes that are shown of a record that is cut. */
export const headLength = 64 * 1024;
/** A record that is longer is cut: a statement of the largest size that people send fits in. */
const defaultMaximum = 16 * 1024 * 1024;

/** Something that takes a stream of bytes and writes lines. */
export interface Transformer {
  push(chunk: Buffer): void;
  /** The stream is over: what is left is written as well as it can be. */
  end(): void;
}

export interface AssemblerOptions {
  /** Position of the byte that ends the record which is being looked through, or -1; keeps its own state. */
  readonly findEnd: (bytes: Buffer, from: number) => number;
  /** Forgets that state: a new record begins. */
  readonly reset: () => void;
  readonly maxRecordBytes?: number;
}

/** Whole records of one buffer: the positions of the bytes that end them, in [from, to). */
type OnRecords = (bytes: Buffer, from: number, to: number, ends: readonly number[]) => void;

/**
 * Cuts a stream into records, whatever the chunks it comes in. Pieces of a record that spans chunks are kept in a list
 * and put together once, so that a record of many megabytes costs no more than its length.
 */
export class RecordAssembler {
  readonly #options: AssemblerOptions;
  readonly #maximum: number;
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes seen of a record that is too long; undefined when none is being skipped. */
  #skipped: number | undefined;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    this.#maximum = options.maxRecordBytes ?? defaultMaximum;
  }

  push(chunk: Buffer, onRecords: OnRecords, onTooLong: (head: Buffer, length: number) => void): void {
    let from = 0;
    if (this.#length > 0) {
      const end = this.#options.findEnd(chunk, 0);
      if (end < 0) {
        this.#keep(chunk);
        return;
      }
      from = end + 1;
      this.#finishKept(chunk, end, onRecords, onTooLong);
    }
    const ends: number[] = [];
    for (let at = from; ; ) {
      const end = this.#options.findEnd(chunk, at);
      if (end < 0) break;
      ends.push(end);
      at = end + 1;
    }
    const last = ends.at(-1);
    if (last !== undefined) onRecords(chunk, from, last + 1, ends);
    const rest = last === undefined ? from : last + 1;
    if (rest < chunk.length) this.#keep(chunk.subarray(rest));
  }

  /** What has no end yet. */
  rest(): Buffer {
    const rest = Buffer.concat(this.#pieces);
    this.#forget();
    return rest;
  }

  #keep(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#skipped !== undefined) {
      this.#skipped += piece.length;
      return;
    }
    // The chunk's memory belongs to the stream, which may use it again.
    this.#pieces.push(Buffer.from(piece));
    if (this.#length > this.#maximum) {
      this.#skipped = this.#length;
      this.#pieces = [Buffer.concat(this.#pieces).subarray(0, headLength)];
    }
  }

  #finishKept(
    chunk: Buffer,
    end: number,
    onRecords: OnRecords,
    onTooLong: (head: Buffer, length: number) => void,
  ): void {
    const skipped = this.#skipped;
    const whole = Buffer.concat([...this.#pieces, chunk.subarray(0, end + 1)]);
    this.#forget();
    if (skipped !== undefined) onTooLong(whole.subarray(0, headLength), skipped + end);
    else onRecords(whole, 0, whole.length, [whole.length - 1]);
  }

  #forget(): void {
    this.#pieces = [];
    this.#length = 0;
    this.#skipped = undefined;
    this.#options.reset();
  }
}
