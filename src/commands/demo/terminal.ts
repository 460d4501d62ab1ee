/** Escape sequences of every terminal of the last decades. */
const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const clearLine = '\u001b[K';
const clearBelow = '\u001b[J';

/** The alternate screen of a terminal, left however the process ends. */
export class Terminal {
  readonly #output: NodeJS.WriteStream;
  #isOpen = false;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  get hasColor(): boolean {
    return this.#output.hasColors();
  }

  open(): void {
    this.#isOpen = true;
    this.#output.write(enter);
    process.once('exit', () => this.close());
  }

  /** From the top, over what was there: nothing flickers. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    this.#output.write(`${home}${lines.map((line) => line + clearLine).join('\r\n')}${clearBelow}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#output.write(leave);
  }
}

/** Hands over what is typed, key by key. Returns the way to stop. */
export function listenForKeys(input: NodeJS.ReadStream, onText: (text: string) => void): () => void {
  const listener = (chunk: string) => onText(chunk);
  input.setRawMode(true);
  input.setEncoding('utf8').on('data', listener).resume();
  const stop = () => {
    input.off('data', listener).pause();
    input.setRawMode(false);
  };
  process.once('exit', () => input.setRawMode(false));
  return stop;
}
