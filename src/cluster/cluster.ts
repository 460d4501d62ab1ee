import type { ClusterStatus } from './status.ts';

/** The fields of a Cluster that are read so far; the schema is that of the operator's resource definition. */
export interface Cluster {
  readonly apiVersion: string;
  readonly kind: 'Cluster';
  readonly metadata: ClusterMetadata;
  readonly spec: ClusterSpec;
  readonly status?: ClusterStatus;
}

export interface ClusterMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** As it is stored; what callers compare is `resourceVersion` of the reading. */
  readonly resourceVersion?: string;
}

/** Defaults are not filled in: src/cluster/defaults.ts knows them. Times are in seconds. */
export interface ClusterSpec {
  readonly instances?: number;
  readonly postgresql?: PostgresqlSpec;
  readonly bootstrap?: {
    readonly initdb?: InitDb;
    readonly recovery?: ApplicationSpec;
    readonly pg_basebackup?: ApplicationSpec;
  };
  readonly minSyncReplicas?: number;
  readonly maxSyncReplicas?: number;
  readonly replicationSlots?: ReplicationSlotsSpec;
  readonly smartShutdownTimeout?: number;
  readonly stopDelay?: number;
  readonly switchoverDelay?: number;
  readonly primaryUpdateStrategy?: 'unsupervised' | 'supervised';
  readonly primaryLease?: PrimaryLeaseSpec;
  readonly certificates?: CertificatesSpec;
  readonly enableSuperuserAccess?: boolean;
  readonly superuserSecret?: SecretReference;
  readonly probes?: {
    readonly liveness?: { readonly isolationCheck?: IsolationCheckSpec };
  };
}

/** Names of Secrets. */
export interface CertificatesSpec {
  readonly serverCASecret?: string;
  readonly clientCASecret?: string;
  readonly serverTLSSecret?: string;
  readonly replicationTLSSecret?: string;
}

export interface SecretReference {
  readonly name: string;
}

/** Times are in milliseconds. */
export interface IsolationCheckSpec {
  readonly enabled?: boolean;
  readonly requestTimeout?: number;
  readonly connectionTimeout?: number;
}

export interface PostgresqlSpec {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly shared_preload_libraries?: readonly string[];
  readonly pg_hba?: readonly string[];
  readonly pg_ident?: readonly string[];
  readonly enableAlterSystem?: boolean;
  readonly promotionTimeout?: number;
  readonly synchronous?: SynchronousSpec;
  readonly syncReplicaElectionConstraint?: {
    readonly enabled: boolean;
    readonly nodeLabelsAntiAffinity?: readonly string[];
  };
}

export interface SynchronousSpec {
  readonly method: 'any' | 'first';
  readonly number: number;
  readonly maxStandbyNamesFromCluster?: number;
  readonly standbyNamesPre?: readonly string[];
  readonly standbyNamesPost?: readonly string[];
  readonly dataDurability?: 'required' | 'preferred';
  readonly failoverQuorum?: boolean;
}

export interface ReplicationSlotsSpec {
  readonly highAvailability?: { readonly enabled?: boolean; readonly slotPrefix?: string };
  readonly updateInterval?: number;
  readonly synchronizeReplicas?: {
    readonly enabled?: boolean;
    readonly excludePatterns?: readonly string[];
  };
}

export interface PrimaryLeaseSpec {
  readonly leaseDurationSeconds?: number;
  readonly renewDeadlineSeconds?: number;
  readonly retryPeriodSeconds?: number;
  readonly releasedLeaseDurationSeconds?: number;
}

/** Whom an application logs in as, and where. */
export interface ApplicationSpec {
  readonly database?: string;
  readonly owner?: string;
  readonly secret?: SecretReference;
}

export interface InitDb extends ApplicationSpec {
  readonly options?: readonly string[];
  readonly dataChecksums?: boolean;
  readonly encoding?: string;
  readonly localeCollate?: string;
  readonly localeCType?: string;
  readonly locale?: string;
  readonly localeProvider?: string;
  readonly icuLocale?: string;
  readonly icuRules?: string;
  readonly builtinLocale?: string;
  readonly walSegmentSize?: number;
  readonly postInitSQL?: readonly string[];
  readonly postInitTemplateSQL?: readonly string[];
  readonly postInitApplicationSQL?: readonly string[];
}

/** Defaults of the contract (04, 24), in seconds. */
const defaultStopDelay = 1800;
/**
 * Not the 180 s of the contract: outside of Kubernetes nothing but `docker stop` asks for a stop, which waits 10 s and
 * then kills. A session that idles must not turn every stop into a crash.
 */
const defaultSmartShutdownTimeout = 0;
/** An immediate stop does nothing but end processes; one that takes longer than this has storage that hangs. */
const immediateSeconds = 60;

/** How the server of this Cluster is stopped. */
export function stopPolicyOf(spec: Pick<ClusterSpec, 'smartShutdownTimeout' | 'stopDelay'>): {
  readonly smartSeconds: number;
  readonly fastSeconds: number;
  readonly immediateSeconds: number;
} {
  return {
    smartSeconds: spec.smartShutdownTimeout ?? defaultSmartShutdownTimeout,
    fastSeconds: spec.stopDelay ?? defaultStopDelay,
    immediateSeconds,
  };
}

/**
 * Whether several managers share this Cluster, so that its status and lease are kept beside it. A file of one instance
 * without a status belongs to its author alone: it is read and never written.
 */
export function sharesCluster(cluster: Cluster): boolean {
  return cluster.status !== undefined || (cluster.spec.instances ?? 1) > 1;
}
