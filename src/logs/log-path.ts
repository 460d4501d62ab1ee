import { join } from 'node:path';
import { messageOf } from '../errors/manager-error.ts';
import { CsvlogTransformer } from './csvlog.ts';
import { ensureFifo, FifoReader, type PipeCalls } from './fifo.ts';
import { JsonlogTransformer } from './jsonlog.ts';
import type { LineFormat } from './line-format.ts';
import { LineSplitter } from './line-splitter.ts';
import type { Logger } from './manager-log.ts';
import type { Transformer } from './record-assembler.ts';
import type { ServerRecord } from './record-fields.ts';

/** `log_filename` of the server; the collector appends the ending of the format itself. */
export const logFileName = 'server';

export interface LogPathOptions {
  readonly directory: string;
  readonly serverFormat: 'jsonlog' | 'csvlog';
  readonly lineFormat: LineFormat;
  /** False when --log-level hides the server's records. */
  readonly isShown: boolean;
  readonly calls: PipeCalls;
  readonly log: Logger;
  readonly emit: (bytes: Buffer, records: number) => void;
  /** See RecordSink.room. */
  readonly room: () => Promise<void> | undefined;
  readonly onNotable: (record: ServerRecord) => void;
}

interface Pipe {
  readonly path: string;
  readonly transformer: Transformer;
  reader: FifoReader | undefined;
}

/** The pipes into which the server's log collector writes, and what becomes of their content. */
export class LogPath {
  readonly #options: LogPathOptions;
  readonly #pipes: readonly Pipe[];

  constructor(options: LogPathOptions) {
    this.#options = options;
    const base = join(options.directory, logFileName);
    const records = `${base}${options.serverFormat === 'jsonlog' ? '.json' : '.csv'}`;
    this.#pipes = [
      { path: records, transformer: this.#recordTransformer(records), reader: undefined },
      { path: base, transformer: this.#textTransformer(base), reader: undefined },
    ];
  }

  /** Opens the pipes: only then may a server be started, which would wait for a reader, or make plain files. */
  open(): void {
    for (const pipe of this.#pipes) this.#openPipe(pipe);
  }

  /**
   * Puts right a pipe that was removed or replaced.
   *
   * @returns true when the server must open its log again
   */
  checkPipes(): boolean {
    const replaced = this.#pipes.filter((pipe) => pipe.reader?.isReplaced() === true);
    for (const pipe of replaced) {
      try {
        pipe.reader?.close();
        this.#openPipe(pipe);
      } catch (error) {
        this.#options.log.error({ error: messageOf(error), path: pipe.path }, 'cannot make a log pipe');
        return false;
      }
    }
    return replaced.length > 0;
  }

  /** Takes out what is still in the pipes, and lets go of them. */
  close(): void {
    for (const { reader, transformer } of this.#pipes) {
      reader?.close();
      transformer.end();
    }
  }

  #openPipe(pipe: Pipe): void {
    const found = ensureFifo(pipe.path, this.#options.calls);
    if (found !== undefined) {
      this.#options.log.warn(
        { path: pipe.path, bytes: found.length },
        'a file stood in the place of a log pipe',
      );
      pipe.transformer.push(found);
    }
    pipe.reader = new FifoReader(
      pipe.path,
      this.#options.calls,
      (chunk) => pipe.transformer.push(chunk),
      this.#options.room,
    );
  }

  #recordTransformer(source: string): Transformer {
    const { lineFormat: format, isShown, emit, onNotable, serverFormat } = this.#options;
    const options = { format, source, isShown, emit, onNotable };
    return serverFormat === 'jsonlog' ? new JsonlogTransformer(options) : new CsvlogTransformer(options);
  }

  /** What children of the server print outside of its logger. */
  #textTransformer(source: string): Transformer {
    const log = this.#options.log.child({ logger: 'postgres' });
    return new LineSplitter((line, marks) => log.info({ source, ...marks }, line));
  }
}
