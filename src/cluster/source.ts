import type { AdvertisedQuorum } from '../alignment/failover-quorum.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterStatus } from './status.ts';

/** One reading of the Cluster. */
export interface ClusterReading {
  readonly cluster: Cluster;
  /** Opaque: compared for equality only. */
  readonly resourceVersion: string;
}

/** Where the Cluster comes from. Everything above works alike with each of them. */
export interface ClusterSource {
  readonly kind: 'standalone' | 'file' | 'kubernetes';
  /** It gives out nothing older than what it has given out before, by whatever way. */
  readonly isOrdered: boolean;
  /** Reads the Cluster now. Throws BAD_CLUSTER_FILE, CLUSTER_UNREADABLE. */
  read(signal: AbortSignal): Promise<ClusterReading>;
  /**
   * Calls back soon after every change (coalesced); returns the way to stop. A source that is told of changes together with
   * what has become of the Cluster hands that over.
   */
  watch(onChange: (pushed?: ClusterReading) => void): () => void;
  /**
   * Changes the status: `change` gets the newest status and returns the new one, or undefined for no change; it is called
   * again on a conflict. Returns the reading after it; undefined when there was nothing to change in what is known already, so
   * that nobody was asked whether it still holds. Throws CLUSTER_UNREADABLE, CLUSTER_CONFLICT after too many conflicts.
   */
  updateStatus(
    change: (status: ClusterStatus) => ClusterStatus | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading | undefined>;
  /** Lets go of all connections: nobody asks anything more. */
  close?(): void;
  readonly lease: LeaseStore;
  /** Undefined where nobody fails over by a quorum. */
  readonly quorum?: QuorumStore;
}

/** What the primary promises of its synchronous standbys (contract 03, 3.20). */
export type QuorumStatus = AdvertisedQuorum;

export interface QuorumStore {
  /**
   * @param status undefined: nothing is promised
   * @returns false when there is no place for it: whoever fails over has not asked yet
   */
  write(status: QuorumStatus | undefined, signal: AbortSignal): Promise<boolean>;
}

/** The lease of the primary (contract 03, 3.8). */
export interface LeaseRecord {
  /** Name of the instance that leads; empty when the lease is free. */
  readonly holder: string;
  readonly durationSeconds: number;
  /** RFC 3339 with microseconds; compared for equality only, never with a clock. */
  readonly acquireTime: string;
  readonly renewTime: string;
  /** How often the lease was claimed. */
  readonly transitions: number;
  /** Opaque: compared for equality only. */
  readonly resourceVersion: string;
}

export interface LeaseStore {
  /** undefined: there is no lease object. Throws when it cannot be read. */
  read(signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /** Replaces the lease if its resourceVersion is still that of `record`. */
  write(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | 'conflict'>;
  watch(onChange: () => void): () => void;
  /**
   * Makes a lease again that is missing, as one of a holder that nobody knows; only where that is nobody else's business.
   * Resolves with what is there then.
   */
  remake?(signal: AbortSignal): Promise<LeaseRecord | undefined>;
}
