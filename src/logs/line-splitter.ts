import { StringDecoder } from 'node:string_decoder';

/** A longer line is passed on in pieces. Characters. */
const longestLine = 1024 * 1024;

/** Cuts a stream of text into lines: carriage returns at the end are dropped, so are empty lines. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string, isContinued: boolean) => void;
  #rest = '';

  /** @param onLine `isContinued`: the line goes on in the next call */
  constructor(onLine: (line: string, isContinued: boolean) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#give(line);
    while (this.#rest.length > longestLine) {
      this.#onLine(this.#rest.slice(0, longestLine), true);
      this.#rest = this.#rest.slice(longestLine);
    }
  }

  /** The stream is over: the last line may lack its line feed. */
  end(): void {
    this.#give(this.#rest + this.#decoder.end());
    this.#rest = '';
  }

  #give(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text !== '') this.#onLine(text, false);
  }
}
