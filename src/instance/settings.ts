import type { Happening } from '../alignment/happenings.ts';
import type { StopEvent, StopPolicy } from '../alignment/stop-plan.ts';
import type { FirstBoot } from '../cluster/first-boot.ts';
import type { Secret } from '../cluster/secret.ts';
import type { ClusterReading, ClusterSource } from '../cluster/source.ts';
import type { ClientCertificate } from '../postgres/conninfo.ts';
import type { RuntimeRequest } from './runtime-directory.ts';
import type { SecretReader } from './secret-reader.ts';

/** What an instance is asked to be. Read again at a reload. */
export interface DesiredState {
  /** Name of the Cluster; also the prefix of its instances' names. */
  readonly clusterName: string;
  readonly firstBoot: FirstBoot;
  /** Throws when a new database may not be made like this (NO_PASSWORD); warns of what is unwise. */
  readonly checkFirstBoot: () => void;
  /** How the server is stopped depends on what asks for it. */
  readonly policyFor: (cause: StopEvent) => StopPolicy;
  /** Parameters that the Cluster asks for, its defaults included. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Milliseconds (spec.postgresql.promotionTimeout). */
  readonly promotionTimeout: number;
  /** How instances of this Cluster follow each other; undefined for one that is alone. */
  readonly replication: ReplicationPlan | undefined;
  /** Text of the files to be written into PGDATA, by name; made for a version, since settings differ between them. */
  readonly configurationFiles: (facts: ConfigurationFacts) => ReadonlyMap<string, string>;
}

/** How an instance follows the present primary. */
export interface ReplicationPlan {
  /** Role of the standbys on the primary. */
  readonly user: string;
  readonly password: Secret | undefined;
  /** Instead of a password: a certificate for this client, and whom its server's must come from. */
  readonly tls?: ClientCertificate | undefined;
  /** Name of this instance, by which the primary knows it. */
  readonly applicationName: string;
  /** Undefined while there is none, nobody has said where it listens, or it is this instance. */
  readonly primary: { readonly host: string; readonly port: number } | undefined;
  /** The same as a string for libpq, without a database. */
  readonly conninfo: string | undefined;
  /** Slot on the primary; undefined: none is used. */
  readonly slot: string | undefined;
  /** Text of override.conf. */
  readonly overrideFile: string | undefined;
}

/** What the text of the configuration depends on besides the Cluster. */
export interface ConfigurationFacts {
  readonly major: number;
  readonly port: number;
  readonly socketDirectory: string;
  readonly logDirectory: string;
  /** True while a new database is made: files that belong to the user afterwards may be written only now. */
  readonly isFirstBoot: boolean;
  /** Parameters that must be at least this much, whatever the Cluster says (contract 04, 10.3). */
  readonly enforced: ReadonlyMap<string, string>;
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
  /** Address under which the other instances of the Cluster reach the server. */
  readonly advertisedHost: string;
  /** The user's arguments for the server; see server-arguments.ts. */
  readonly serverArguments: readonly string[];
  /** Directory of first-boot scripts. */
  readonly initDirectory: string;
  readonly statusPort: number;
  /** Undefined: all addresses. */
  readonly statusHost: string | undefined;
  /** --status-port-tls. */
  readonly hasStatusTls: boolean;
  /** Opens the source of the Cluster. Rejects with what is wrong with it. */
  readonly bindCluster: () => Promise<ClusterBinding>;
}

/** A Cluster, and what it means for this instance. */
export interface ClusterBinding {
  readonly source: ClusterSource;
  /**
   * Makes sure, for the life of the process, that no other manager of this machine is this instance; undefined where
   * nobody could be. Rejects with INSTANCE_NAME_IN_USE.
   */
  readonly claimName?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** What a reading of the Cluster asks of this instance. Throws what is wrong with it. */
  readonly describe: (reading: ClusterReading) => DesiredState;
  /** Where there are Secrets; undefined outside of Kubernetes. */
  readonly secrets?: PodSecrets | undefined;
  /** Tells people who look at the Cluster; undefined where nobody could look. */
  readonly tell?: ((happening: Happening) => void) | undefined;
}

export interface PodSecrets {
  readonly reader: SecretReader;
  /** Directory for the files of certificates. */
  readonly certificates: string;
}
