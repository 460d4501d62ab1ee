import { constants, ftruncateSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { isatty } from 'node:tty';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { LogServices } from '../instance/log-services.ts';
import { formatLine, type LineFormat } from '../logs/line-format.ts';
import { type LineMarks, LineSplitter } from '../logs/line-splitter.ts';
import { LogPath } from '../logs/log-path.ts';
import { createManagerLog, showsServerRecords } from '../logs/manager-log.ts';
import { prettyLine } from '../logs/pretty.ts';
import { RecordSink } from '../logs/record-sink.ts';
import type { Libc } from '../process/libc.ts';
import type { GlobalOptions } from './options.ts';

const standardOutput = 1;

export interface Logging extends LogServices {
  /** Waits until everything was written, at most for so many milliseconds. */
  flush(deadline: number): Promise<void>;
}

/**
 * Builds the log from its options (contract 02, 10): one sink for the server's records and our own.
 *
 * @param pod POD_NAME, named in every line when it is set
 * @throws LOG_DESTINATION
 */
export function openLogging(options: GlobalOptions, pod: string | undefined, libc: Libc): Logging {
  const fd =
    options.logDestination === undefined ? standardOutput : openDestination(options.logDestination, options);
  libc.enlargePipe(fd);
  const lineFormat: LineFormat = {
    // An empty name means the usual one (contract 01, 1.4).
    levelKey: options.logFieldLevel || 'level',
    timestampKey: options.logFieldTimestamp || 'ts',
    pod,
  };
  const isTerminal = isatty(fd);
  const isText = options.logFormat === 'text' || (options.logFormat === 'auto' && isTerminal);
  const present = (line: string) => (isText ? `${prettyLine(line, lineFormat, isTerminal)}\n` : `${line}\n`);
  const sink = new RecordSink({
    fd,
    describeLoss: (loss) => {
      const line = formatLine(
        lineFormat,
        'instance-manager',
        'log records dropped: nobody reads them fast enough',
        {
          dropped_records: loss.records,
          dropped_bytes: loss.bytes,
          total_dropped_records: loss.totalRecords,
        },
      );
      return present(line.trimEnd()).trimEnd();
    },
  });
  const emit = isText
    ? (bytes: Buffer, records: number) => {
        const lines = bytes.toString('utf8').trimEnd().split('\n');
        sink.write(Buffer.from(lines.map(present).join('')), records);
      }
    : (bytes: Buffer, records: number) => sink.write(bytes, records);
  const root = createManagerLog({
    format: lineFormat,
    level: options.logLevel,
    write: (line) => emit(Buffer.from(line), 1),
  });
  return {
    log: root.child({ logger: 'instance-manager' }),
    named: (program) => root.child({ logger: program }),
    openServerLog: async (directory, serverFormat, onNotable) => {
      const isShown = showsServerRecords(options.logLevel);
      const path = new LogPath({
        directory,
        serverFormat,
        lineFormat,
        isShown,
        calls: libc,
        room: () => sink.room(),
        log: root,
        emit,
        onNotable,
      });
      path.open();
      return path;
    },
    logOutput: (program, pipe, output, { censor, onLine } = {}) => {
      const log = root.child({ logger: program });
      read(output, (line, marks) => {
        const shown = censor?.(line) ?? line;
        log.info({ pipe, ...marks }, shown);
        onLine?.(shown);
      });
    },
    flush: (deadline) => sink.flush(deadline),
  };
}

function read(output: Readable, onLine: (line: string, marks: LineMarks) => void): void {
  const splitter = new LineSplitter(onLine);
  output.on('data', (chunk: Buffer) => splitter.push(chunk));
  output.once('close', () => splitter.end());
  output.on('error', () => {});
}

/** Read-write, so that a FIFO without a reader does not hold us up (contract 01, 1.4). */
function openDestination(path: string, options: GlobalOptions): number {
  try {
    const fd = openSync(
      path,
      constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK,
      0o666,
    );
    if (options.logTruncateDestination === true) truncateFile(fd);
    return fd;
  } catch (error) {
    throw new ManagerError('LOG_DESTINATION', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** A pipe cannot be emptied, and need not be. */
function truncateFile(fd: number): void {
  try {
    ftruncateSync(fd);
  } catch {
    // EINVAL of a pipe.
  }
}
