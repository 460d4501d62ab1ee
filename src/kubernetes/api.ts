import type {
  ApiObject,
  ConfigMapObject,
  EventObject,
  LeaseObject,
  QuorumObject,
  SecretObject,
} from './objects.ts';

/**
 * All that an instance ever asks of an API server, by name and within one namespace: what the operator's Role allows it
 * (contract 03, 1.3), and nothing that it does not. Every request rejects with an ApiError; one that was called off rejects
 * with the reason of its signal.
 */
export interface KubernetesApi {
  /** The Cluster of this instance. */
  readCluster(signal: AbortSignal): Promise<ApiObject>;
  /** Follows the Cluster; returns the way to stop. */
  watchCluster(watcher: ClusterWatcher): () => void;
  /**
   * Merges into the status (RFC 7396). With a resourceVersion in its metadata the patch is taken only if the Cluster is still
   * the one of that version.
   */
  patchClusterStatus(patch: StatusPatch, signal: AbortSignal): Promise<ApiObject>;
  readLease(signal: AbortSignal): Promise<LeaseObject>;
  /** Replaces the Lease if its resourceVersion is still that of the object given. */
  replaceLease(lease: LeaseObject, signal: AbortSignal): Promise<LeaseObject>;
  /** Of the same name as the Cluster. */
  readFailoverQuorum(signal: AbortSignal): Promise<QuorumObject>;
  /** Replaces the status if the resourceVersion is still that of the object given. */
  replaceFailoverQuorumStatus(quorum: QuorumObject, signal: AbortSignal): Promise<QuorumObject>;
  readSecret(name: string, signal: AbortSignal): Promise<SecretObject>;
  readConfigMap(name: string, signal: AbortSignal): Promise<ConfigMapObject>;
  createEvent(event: EventObject, signal: AbortSignal): Promise<ApiObject>;
  /** Merges into an event: it has happened again. */
  patchEvent(name: string, patch: Partial<EventObject>, signal: AbortSignal): Promise<ApiObject>;
  /** Lets go of all connections. */
  close(): void;
}

export interface StatusPatch {
  readonly metadata?: { readonly resourceVersion: string };
  readonly status: Readonly<Record<string, unknown>>;
}

export interface ClusterWatcher {
  /** What the Cluster was at some moment before this one; undefined: it is not there. Later calls never bring older states. */
  readonly onObject: (cluster: ApiObject | undefined) => void;
  /** The watch has broken, or cannot be begun; it is tried again until it is stopped. Told once until it stands again. */
  readonly onTrouble: (error: Error) => void;
  /** After trouble: it stands again, so that the server can be reached. */
  readonly onStanding?: () => void;
}

/** Names that every request is made of. */
export interface ApiNames {
  /** Group of the Cluster, such as `postgresql.cnpg.io`. */
  readonly group: string;
  readonly namespace: string;
  readonly cluster: string;
}
