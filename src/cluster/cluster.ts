/** The fields of a Cluster that are read so far; the schema is that of the operator's resource definition. */
export interface Cluster {
  readonly apiVersion: string;
  readonly kind: 'Cluster';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: ClusterSpec;
}

export interface ClusterSpec {
  readonly instances?: number;
  readonly postgresql?: {
    readonly parameters?: Readonly<Record<string, string>>;
    readonly shared_preload_libraries?: readonly string[];
    readonly pg_hba?: readonly string[];
    readonly pg_ident?: readonly string[];
    readonly enableAlterSystem?: boolean;
  };
  readonly bootstrap?: { readonly initdb?: InitDb };
  readonly smartShutdownTimeout?: number;
  readonly stopDelay?: number;
}

export interface InitDb {
  readonly database?: string;
  readonly owner?: string;
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
