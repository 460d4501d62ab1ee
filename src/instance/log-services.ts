import type { Readable } from 'node:stream';
import type { Logger } from '../logs/manager-log.ts';
import type { NotableRecord } from './server-notes.ts';

/** The log pipes of a running server. */
export interface ServerLog {
  /**
   * Puts right a pipe that was removed or replaced by a file.
   *
   * @returns true when a new pipe was made, so that the server must open it
   */
  checkPipes(): boolean;
  /** Takes out what is still in the pipes, and lets go of them. */
  close(): void;
}

export interface OutputHooks {
  /** What is to be seen of a line that may hold a secret. */
  readonly censor?: ((line: string) => string) | undefined;
  /** Gets every line, as it is to be seen. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Where everything that is to be logged goes. */
export interface LogServices {
  readonly log: Logger;
  /** A log under the name of a program, for what is said in its stead. */
  named(program: string): Logger;
  /** Begins to read the pipes, which a server needs before it can start. */
  openServerLog(
    directory: string,
    format: 'jsonlog' | 'csvlog',
    onNotable: (record: NotableRecord) => void,
  ): Promise<ServerLog>;
  /** Takes the output of a program into the log, a record a line. */
  logOutput(program: string, stream: 'stdout' | 'stderr', output: Readable, hooks?: OutputHooks): void;
}
