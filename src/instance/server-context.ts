import type { Readable } from 'node:stream';
import type { Logger } from '../logs/manager-log.ts';
import type { Installation } from '../postgres/io/installation.ts';
import type { Children } from '../process/children.ts';
import type { RuntimeDirectories } from './runtime-directory.ts';

/** What everything that starts a program of this instance needs. */
export interface ServerContext {
  readonly children: Children;
  readonly log: Logger;
  readonly installation: Installation;
  /** File name of the server's program (POSTGRES_NAME; contract 01, 1.8). */
  readonly executable: string;
  readonly dataDirectory: string;
  readonly directories: RuntimeDirectories;
  readonly port: number;
  /** Descriptor of the locked data directory, handed down to the server; undefined beside one that was taken over. */
  readonly lockDescriptor: number | undefined;
  /** Environment of PostgreSQL's programs: ours without secrets (contract 04, 11.2). */
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when a stop is asked for again, or by QUIT: whatever is still at work is killed. */
  readonly impatience: AbortSignal;
  /** What the server, or initdb, has said last of its troubles; see ServerNotes. */
  readonly troubles: () => readonly string[];
  /** A log under the name of a program, for what is said in its stead. */
  readonly named: (program: string) => Logger;
  /** Takes the text that a program prints, line by line, into the log; see LogServices. */
  readonly logOutput: (
    program: string,
    stream: 'stdout' | 'stderr',
    output: Readable,
    censor?: (line: string) => string,
  ) => void;
}
