import { isUtf8 } from 'node:buffer';

/** A longer line is passed on in pieces. Bytes. */
const longestLine = 1024 * 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** What is special about a line, as it stands in the record that it becomes. */
export interface LineMarks {
  /** It goes on in the next record. */
  readonly continued?: true;
  /** It held bytes that are no UTF-8, which were replaced. */
  readonly invalid_utf8?: true;
}

/** Cuts a stream of text into lines: carriage returns at the end are dropped, so are empty lines. */
export class LineSplitter {
  readonly #onLine: (line: string, marks: LineMarks) => void;
  /** Of a line that has no end yet. */
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(onLine: (line: string, marks: LineMarks) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      this.#keep(chunk.subarray(from, end));
      this.end();
      from = end + 1;
    }
    // The memory of a chunk belongs to the stream, which may use it again.
    if (from < chunk.length) this.#keep(Buffer.from(chunk.subarray(from)));
  }

  /** The line is over, or the stream, whose last line may lack its line feed. */
  end(): void {
    const bytes = this.#take();
    const line = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
    if (line.length > 0) this.#onLine(line.toString('utf8'), marksOf(line));
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    while (this.#length > longestLine) {
      const bytes = this.#take();
      const at = characterBefore(bytes, longestLine);
      const begin = bytes.subarray(0, at);
      this.#onLine(begin.toString('utf8'), { continued: true, ...marksOf(begin) });
      this.#pieces = [bytes.subarray(at)];
      this.#length = bytes.length - at;
    }
  }

  #take(): Buffer {
    const [only] = this.#pieces;
    const bytes = this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return bytes;
  }
}

function marksOf(bytes: Buffer): LineMarks {
  return isUtf8(bytes) ? {} : { invalid_utf8: true };
}

/** Where the character begins that a cut here would go through; text that is no UTF-8 is cut right here. */
function characterBefore(bytes: Buffer, position: number): number {
  for (let at = position; at > position - 4; at -= 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return position;
}
