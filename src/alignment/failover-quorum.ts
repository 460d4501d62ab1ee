import type { SynchronousStandbys } from '../postgres/synchronous-metadata.ts';

/** What an operator may count on when it chooses among standbys after the loss of the primary (contract 03, 3.20). */
export interface AdvertisedQuorum {
  readonly method: string;
  /** Without the primary itself. */
  readonly standbyNames: readonly string[];
  /** So many of them have every commit that was acknowledged. */
  readonly standbyNumber: number;
  readonly primary: string;
}

/** What the primary knows of the standbys that commits wait for. */
export interface QuorumFacts {
  readonly me: string;
  /** What the running server waits for, by its own word; undefined: for nobody. */
  readonly loaded: SynchronousStandbys | undefined;
  /** Enough of them have all that was acknowledged before they were waited for. */
  readonly haveCaughtUp: boolean;
}

/**
 * What may be advertised; undefined: nothing, and the operator fails over to nobody. What was acknowledged under other names
 * may be on none of the new ones: until enough of those have all of it, a failover to them could lose it, which the reference
 * passes over.
 */
export function quorumToAdvertise({ me, loaded, haveCaughtUp }: QuorumFacts): AdvertisedQuorum | undefined {
  if (loaded === undefined || !haveCaughtUp) return undefined;
  const standbyNames = loaded.standbyNames.filter((name) => name !== me);
  return { method: loaded.method, standbyNames, standbyNumber: loaded.number, primary: me };
}
