import { openWriter, type Writer } from './output-writer.ts';

/** Bytes that may wait for a slow reader; see `hasRoomFor` for what is larger than that. */
const defaultBound = 4 * 1024 * 1024;
/** Size of the buffers while little is to be done. */
const smallBuffer = 256 * 1024;
/** Milliseconds that a reader who is reading gets before records are dropped for want of room. */
const courtesy = 50;

export interface SinkOptions {
  /** Open for writing: pipe, socket, terminal or file. */
  readonly fd: number;
  readonly maxPendingBytes?: number;
  /** Makes the line that reports a loss, without the line feed. */
  readonly describeLoss: (loss: SinkLoss) => string;
}

/** Records that were thrown away since the last report, and in all. */
export interface SinkLoss {
  readonly records: number;
  readonly bytes: number;
  readonly totalRecords: number;
}

/**
 * The one place where log lines leave the process: those of the server and our own, whole and in order.
 *
 * Loss policy: nobody is made to wait for a reader that does not read. What has not been taken waits here up to a bound;
 * beyond it new records are dropped and counted, and a line says how many as soon as there is room. A reader that does
 * read, but slower than the server writes, gets 50 ms to catch up before that (`room`). One that is gone for good means
 * that everything is dropped; nothing else stops.
 */
export class RecordSink {
  readonly #write: Writer;
  readonly #bound: number;
  readonly #describeLoss: (loss: SinkLoss) => string;
  /** What waits, in one buffer that is used again and again: at full speed nothing is left for the garbage collector. */
  #staging: Buffer = Buffer.allocUnsafeSlow(smallBuffer);
  #waitingBytes = 0;
  #spare: Buffer | undefined;
  #inFlight = 0;
  #closed = false;
  #lostRecords = 0;
  #lostBytes = 0;
  #totalLost = 0;
  #isReaderIdle = false;
  #onProgress: () => void = () => {};
  #onIdle: Array<() => void> = [];

  constructor(options: SinkOptions) {
    this.#bound = options.maxPendingBytes ?? defaultBound;
    this.#describeLoss = options.describeLoss;
    this.#write = openWriter(options.fd, () => this.#close());
  }

  /** Records dropped since the start. */
  get droppedRecords(): number {
    return this.#totalLost;
  }

  /** Takes whole lines, and copies them. Never waits, never throws. */
  write(bytes: Buffer, records: number): void {
    if (this.#closed || !this.#hasRoomFor(bytes.length)) {
      this.#lostRecords += records;
      this.#lostBytes += bytes.length;
      this.#totalLost += records;
      return;
    }
    this.#stage(bytes);
    if (this.#inFlight === 0) this.#next();
  }

  /**
   * What to wait for before more is brought: undefined while there is room enough. The wait is short, and there is none
   * for a reader that has let the last one pass without taking anything.
   */
  room(): Promise<void> | undefined {
    const pending = this.#waitingBytes + this.#inFlight;
    if (pending * 2 < this.#bound || this.#closed || this.#isReaderIdle) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#isReaderIdle = true;
      resolve();
    }, courtesy);
    this.#onProgress = () => {
      clearTimeout(timer);
      resolve();
    };
    return promise;
  }

  /** Resolves when everything was written, or after so many milliseconds. */
  async flush(deadline: number): Promise<void> {
    if (this.#inFlight === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadline);
    this.#onIdle.push(resolve);
    await promise;
    clearTimeout(timer);
  }

  /**
   * Within the bound; and as long as less than half of it waits for anything at all: one record may be larger than the bound
   * (16 MiB, see LineSplitter), and would be dropped even if the reader waited for it.
   */
  #hasRoomFor(length: number): boolean {
    const pending = this.#waitingBytes + this.#inFlight;
    return pending + length <= this.#bound || pending * 2 < this.#bound;
  }

  #next(): void {
    if (this.#lostRecords > 0 && !this.#closed) this.#stage(this.#lossLine());
    if (this.#closed || this.#waitingBytes === 0) {
      if (this.#staging.length > smallBuffer) this.#staging = Buffer.allocUnsafeSlow(smallBuffer);
      this.#spare = undefined;
      for (const idle of this.#onIdle.splice(0)) idle();
      return;
    }
    const batch = this.#staging.subarray(0, this.#waitingBytes);
    const used = this.#staging;
    this.#staging = this.#spare ?? Buffer.allocUnsafeSlow(smallBuffer);
    this.#spare = undefined;
    this.#waitingBytes = 0;
    this.#inFlight = batch.length;
    this.#write(batch, (error) => this.#written(used, error));
  }

  /** @param used the whole buffer of the batch, free again now */
  #written(used: Buffer, error: Error | null | undefined): void {
    if (error) this.#close();
    this.#inFlight = 0;
    this.#spare = used;
    this.#isReaderIdle = false;
    this.#onProgress();
    this.#next();
  }

  #stage(bytes: Buffer): void {
    const needed = this.#waitingBytes + bytes.length;
    if (needed > this.#staging.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#staging.length * 2));
      this.#staging.copy(larger, 0, 0, this.#waitingBytes);
      this.#staging = larger;
    }
    bytes.copy(this.#staging, this.#waitingBytes);
    this.#waitingBytes = needed;
  }

  #lossLine(): Buffer {
    const loss = { records: this.#lostRecords, bytes: this.#lostBytes, totalRecords: this.#totalLost };
    this.#lostRecords = 0;
    this.#lostBytes = 0;
    return Buffer.from(`${this.#describeLoss(loss)}\n`);
  }

  #close(): void {
    this.#closed = true;
    this.#waitingBytes = 0;
  }
}
