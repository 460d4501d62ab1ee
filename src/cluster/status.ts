import type { DataRole } from '../alignment/facts.ts';
/**
 * The status of a Cluster, as far as it is read (contract 03, 4.2); who owns which field says contract 03, 2.5. Fields
 * that are not named here are kept by whoever changes the status: spread the old one.
 */
export interface ClusterStatus {
  /** Absent or empty until there has been a primary. */
  readonly currentPrimary?: string;
  /** RFC 3339 with exactly six decimals (contract 03, 2.4); see `timestamp`. */
  readonly currentPrimaryTimestamp?: string;
  /** An instance, or `pending` (contract 03, 3.10). */
  readonly targetPrimary?: string;
  readonly targetPrimaryTimestamp?: string;
  readonly phase?: string;
  readonly phaseReason?: string;
  readonly conditions?: readonly Condition[];
  readonly instanceNames?: readonly string[];
  /** Names of instances by condition: `healthy`, `replicating`, `failed`. */
  readonly instancesStatus?: Readonly<Record<string, readonly string[]>>;
  readonly instancesReportedState?: Readonly<Record<string, ReportedState>>;
  readonly timelineID?: number;
  readonly topology?: Topology;
  /** Names of Secrets, filled in by the operator, beside what else it keeps there. */
  readonly certificates?: Readonly<Record<string, unknown>>;
  /** Versions of the Secrets, by which the operator tells that one has changed. */
  readonly secretsResourceVersion?: Readonly<Record<string, unknown>>;
  /** Ours: instances whose data a person wants replaced by a new copy of the primary, with the time of the request. */
  readonly recloneRequests?: Readonly<Record<string, string>>;
  /** Ours: instances that are gone for good, with the time at which a person said so, until the primary keeps no slot for them. */
  readonly forgetRequests?: Readonly<Record<string, string>>;
}

/** One of `status.conditions` (Kubernetes API conventions). */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339, in seconds. */
  readonly lastTransitionTime: string;
}

/**
 * What an instance said of itself. `isPrimary`, `timeLineID` and `ip` are the operator's; the rest is ours, for sources in
 * which instances register themselves.
 */
export interface ReportedState {
  readonly isPrimary: boolean;
  readonly timeLineID?: number;
  /** Address or host name under which the others reach it. */
  readonly ip?: string;
  /** Port of PostgreSQL. */
  readonly port?: number;
  readonly statusPort?: number;
  /** What its PGDATA holds, whether or not a server runs on it. */
  readonly data?: DataRole;
  /** Where the instance is in its life, in its own words. */
  readonly phase?: string;
  /** Last WAL position received, or written by a primary: `0/3000060`. */
  readonly receivedLsn?: string;
  readonly pendingRestart?: boolean;
  /** Of the spec whose configuration the server has loaded (`specDigest`). */
  readonly configurationHash?: string;
  /** Why it does nothing until a person, or another instance, changes something; absent: it is not so. */
  readonly refusal?: ReportedRefusal | undefined;
}

export interface ReportedRefusal {
  /** What it shall become (src/alignment/goal.ts). */
  readonly goal: string;
  readonly why: string;
}

export interface Topology {
  /** Labels of the place where each instance runs. */
  readonly instances?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly nodesUsed?: number;
  readonly successfullyExtracted?: boolean;
}

/** `status.phase` in the operator's words. Some of them are commands, so they must match exactly (contract 03, 3.15). */
export const clusterPhase = {
  settingUpPrimary: 'Setting up primary',
  healthy: 'Cluster in healthy state',
  switchover: 'Switchover in progress',
  failover: 'Failing over',
  restartInPlace: 'Primary instance is being restarted in-place',
  applyingConfiguration: 'Applying configuration',
  waitingForUser: 'Waiting for user action',
} as const;

/**
 * A point of time as the operator and its plugin read it: RFC 3339 in UTC with exactly six decimals. The clock has three.
 *
 * @param at milliseconds since 1970
 */
export function timestamp(at: number): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}
