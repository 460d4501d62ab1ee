import { constants, fstatSync, lstatSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { systemErrorCode } from '../errors/manager-error.ts';

/** What of the C library the log path needs. */
export interface PipeCalls {
  mkfifo(path: string, mode: number): void;
  enlargePipe(fd: number): void;
}

/** Bytes that are taken in one turn of the event loop: a few milliseconds even for records that take the slow way. */
const readSize = 64 * 1024;
/**
 * Milliseconds that a pipe is left alone after it was emptied. The server writes record by record; taking each by itself
 * would cost more for waking up than for the work, and the pipe holds a megabyte meanwhile.
 */
const gathering = 4;

function gathered(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, gathering));
}

/**
 * Makes sure that a FIFO stands at this path: PostgreSQL would make a plain file there, which nobody reads. A file that
 * is found there instead is read first, so that nothing in it is lost, and then replaced.
 *
 * @returns what such a file held; undefined when there was none
 */
export function ensureFifo(path: string, calls: PipeCalls): Buffer | undefined {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry?.isFIFO() === true) return undefined;
  const content = entry?.isFile() === true ? readFileSync(path) : undefined;
  if (entry !== undefined) rmSync(path, { recursive: false });
  try {
    calls.mkfifo(path, 0o600);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  return content;
}

/**
 * Reads a FIFO for as long as it is open, however slow the rest of the world is: a full pipe would stop every session
 * of the server that logs. Opened for reading and writing, so that it never comes to an end between two writers.
 */
export class FifoReader {
  readonly path: string;
  readonly #fd: number;
  readonly #inode: number;
  readonly #socket: Socket;
  readonly #onData: (chunk: Buffer) => void;
  #isClosed = false;

  /** @param room what to wait for after a chunk, if anything; it must come soon */
  constructor(
    path: string,
    calls: PipeCalls,
    onData: (chunk: Buffer) => void,
    room: () => Promise<void> | undefined,
  ) {
    this.path = path;
    this.#onData = onData;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    // The server goes on writing while this process is busy with something else.
    calls.enlargePipe(this.#fd);
    this.#inode = fstatSync(this.#fd).ino;
    const buffer = Buffer.allocUnsafeSlow(readSize);
    this.#socket = new Socket({
      fd: this.#fd,
      readable: true,
      writable: false,
      onread: { buffer, callback: (length, bytes) => this.#take(Buffer.from(bytes.buffer, 0, length), room) },
    });
    this.#socket.resume();
    this.#socket.on('error', () => {});
    this.#socket.unref();
  }

  /**
   * Takes one chunk. Reading always goes on in a later turn, since libuv would read on within this one for as long as
   * there is something, while the probes wait.
   *
   * @returns false: no more until `resume`
   */
  #take(chunk: Buffer, room: () => Promise<void> | undefined): boolean {
    this.#onData(chunk);
    const goOn = () => void setImmediate(() => this.#socket.resume());
    const wait = room() ?? (chunk.length < readSize ? gathered() : undefined);
    if (wait === undefined) goOn();
    else void wait.then(goOn);
    return false;
  }

  /** Whether the path no longer leads to the pipe that is being read. */
  isReplaced(): boolean {
    return lstatSync(this.path, { throwIfNoEntry: false })?.ino !== this.#inode;
  }

  /** Takes out what is still in the pipe, then lets go of it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.pause();
    this.#drain();
    this.#socket.destroy();
  }

  #drain(): void {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    try {
      for (;;) {
        const length = readSync(this.#fd, chunk);
        if (length === 0) return;
        this.#onData(Buffer.from(chunk.subarray(0, length)));
      }
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') throw error;
    }
  }
}
