import type { SignalSource } from '../process/signal-inbox.ts';

/** Options of every command; the names are those that the parser gives them. */
export interface GlobalOptions {
  readonly logLevel: string;
  readonly logFormat: 'auto' | 'json' | 'text';
  readonly logDestination?: string;
  readonly logTruncateDestination?: boolean;
  readonly logFieldLevel: string;
  readonly logFieldTimestamp: string;
}

/** Options of `instance run` and `postgres`. */
export interface RunOptions {
  readonly pgData?: string;
  readonly clusterFile?: string;
  readonly clusterName?: string;
  readonly namespace?: string;
  readonly apiGroup?: string;
  readonly podName?: string;
  readonly bindir?: string;
  readonly runtimeDir?: string;
  readonly socketDir?: string;
  readonly initDir: string;
  readonly port?: number;
  readonly advertiseAddress: string;
  readonly statusPort: number;
  readonly statusAddress?: string;
  readonly statusPortTls?: boolean;
  readonly metricsPortTls?: boolean;
}

export interface StatusOptions {
  readonly output?: 'text' | 'json';
  readonly statusPort: number;
}

/** What a command gets besides its options. */
export interface ProgramContext {
  readonly inbox: SignalSource;
  /** What stands behind the word `postgres`. */
  readonly serverArguments: readonly string[];
  /** Takes the exit status of the command. */
  readonly finish: (status: number) => void;
}
