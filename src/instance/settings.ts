import type { StopPolicy } from '../alignment/stop-plan.ts';
import type { FirstBoot } from '../cluster/first-boot.ts';
import type { RuntimeRequest } from './runtime-directory.ts';

/** What an instance is asked to be. Read again at a reload. */
export interface DesiredState {
  /** Name of the Cluster; also the prefix of its instances' names. */
  readonly clusterName: string;
  readonly firstBoot: FirstBoot;
  /** Throws when a new database may not be made like this (NO_PASSWORD); warns of what is unwise. */
  readonly checkFirstBoot: () => void;
  readonly stopPolicy: StopPolicy;
  /** Text of the files to be written into PGDATA, by name; made for a version, since settings differ between them. */
  readonly configurationFiles: (facts: ConfigurationFacts) => ReadonlyMap<string, string>;
}

/** What the text of the configuration depends on besides the Cluster. */
export interface ConfigurationFacts {
  readonly major: number;
  readonly port: number;
  readonly socketDirectory: string;
  readonly logDirectory: string;
  /** True while a new database is made: files that belong to the user afterwards may be written only now. */
  readonly isFirstBoot: boolean;
  /** Present text of a file in PGDATA, undefined when there is none. */
  readonly current: (name: string) => string | undefined;
}

/** What the command line and the environment fix for the life of the process. */
export interface InstanceSettings {
  /** Name of this instance (POD_NAME), as in the status. */
  readonly name: string;
  readonly dataDirectory: string;
  readonly runtime: RuntimeRequest;
  /** --bindir. */
  readonly binDirectory: string | undefined;
  /** File name of the server's program. */
  readonly executable: string;
  readonly port: number;
  /** Arguments for the server after `-D PGDATA`. */
  readonly serverArguments: readonly string[];
  /** Directory of first-boot scripts. */
  readonly initDirectory: string;
  readonly statusPort: number;
  /** Undefined: all addresses. */
  readonly statusHost: string | undefined;
  readonly loadDesiredState: () => Promise<DesiredState>;
}
