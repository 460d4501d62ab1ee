import type { ClusterSpec } from './cluster.ts';

/**
 * The spec with the defaults that hold when a field is absent (contract 03, 4.1). The operator's defaulting would have
 * filled most of them in; a file has no such step.
 */

/** Milliseconds. The first three satisfy duration > renewDeadline > 1.2 × retryPeriod (contract 03, 3.8). */
export interface LeaseTimes {
  /** A candidate takes a lease that has not changed for this long. */
  readonly duration: number;
  /** A holder that could not renew for this long has lost it. */
  readonly renewDeadline: number;
  readonly retryPeriod: number;
  /** What a released lease says its duration is. */
  readonly releasedDuration: number;
}

const leaseDefaults = { duration: 15, renewDeadline: 10, retryPeriod: 2, releasedDuration: 1 } as const;

/** The times of the lease of the primary, `spec.primaryLease`. */
export function leaseTimings(spec: Pick<ClusterSpec, 'primaryLease'>): LeaseTimes {
  const lease = spec.primaryLease ?? {};
  return {
    duration: 1_000 * (lease.leaseDurationSeconds ?? leaseDefaults.duration),
    renewDeadline: 1_000 * (lease.renewDeadlineSeconds ?? leaseDefaults.renewDeadline),
    retryPeriod: 1_000 * (lease.retryPeriodSeconds ?? leaseDefaults.retryPeriod),
    releasedDuration: 1_000 * (lease.releasedLeaseDurationSeconds ?? leaseDefaults.releasedDuration),
  };
}

/** Seconds that the changes of role may take (contract 03, 3.11). */
export function roleDelays(spec: ClusterSpec): {
  readonly switchover: number;
  readonly promotion: number;
} {
  return {
    switchover: spec.switchoverDelay ?? 3_600,
    promotion: spec.postgresql?.promotionTimeout ?? 40_000_000,
  };
}

/** Whether the manager may restart a primary by itself (contract 03, 3.15). */
export function primaryUpdateStrategy(spec: ClusterSpec): 'unsupervised' | 'supervised' {
  return spec.primaryUpdateStrategy ?? 'unsupervised';
}

/** Replication slots (contract 03, 3.21). */
export interface SlotSettings {
  /** Whether every instance has a slot on the primary. */
  readonly isHighlyAvailable: boolean;
  /** The names of those slots begin like this. */
  readonly prefix: string;
  /** Whether slots of users are copied to the standbys as well. */
  readonly copiesUserSlots: boolean;
  /** Regular expressions for names of slots that are left alone. */
  readonly excludePatterns: readonly string[];
  /** Seconds between two updates of the slots on a standby. */
  readonly updateInterval: number;
}

export function slotSettings(spec: Pick<ClusterSpec, 'replicationSlots'>): SlotSettings {
  const { highAvailability, synchronizeReplicas, updateInterval } = spec.replicationSlots ?? {};
  return {
    isHighlyAvailable: highAvailability?.enabled ?? true,
    prefix: highAvailability?.slotPrefix ?? '_cnpg_',
    copiesUserSlots: synchronizeReplicas?.enabled ?? true,
    excludePatterns: synchronizeReplicas?.excludePatterns ?? [],
    updateInterval: updateInterval ?? 30,
  };
}

/** What was asked for of synchronous replication (contract 03, 3.20). */
export type SynchronousSettings =
  | { readonly form: 'off' }
  | {
      readonly form: 'legacy';
      readonly minimum: number;
      readonly maximum: number;
      /** Labels in which a standby must differ from the primary; empty: none. */
      readonly antiAffinity: readonly string[];
    }
  | {
      readonly form: 'explicit';
      readonly method: 'any' | 'first';
      readonly number: number;
      /** Undefined: as many as there are. */
      readonly maximumFromCluster: number | undefined;
      readonly namesBefore: readonly string[];
      readonly namesAfter: readonly string[];
      readonly durability: 'required' | 'preferred';
      readonly hasFailoverQuorum: boolean;
    };

/** The explicit form wins over minSyncReplicas and maxSyncReplicas. */
export function synchronousSettings(spec: ClusterSpec): SynchronousSettings {
  const { synchronous, syncReplicaElectionConstraint: constraint } = spec.postgresql ?? {};
  if (synchronous !== undefined) {
    return {
      form: 'explicit',
      method: synchronous.method,
      number: synchronous.number,
      maximumFromCluster: synchronous.maxStandbyNamesFromCluster,
      namesBefore: synchronous.standbyNamesPre ?? [],
      namesAfter: synchronous.standbyNamesPost ?? [],
      durability: synchronous.dataDurability ?? 'required',
      hasFailoverQuorum: synchronous.failoverQuorum ?? false,
    };
  }
  const maximum = spec.maxSyncReplicas ?? 0;
  if (maximum === 0) return { form: 'off' };
  return {
    form: 'legacy',
    minimum: spec.minSyncReplicas ?? 0,
    maximum,
    antiAffinity: constraint?.enabled === true ? (constraint.nodeLabelsAntiAffinity ?? []) : [],
  };
}
