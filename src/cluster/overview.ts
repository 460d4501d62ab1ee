import { roleOf } from './changes.ts';
import { isFenced } from './fencing.ts';
import { memberNames } from './members.ts';
import type { ClusterReading, LeaseRecord } from './source.ts';
import type { ReportedRefusal } from './status.ts';

/** A Cluster at one glance: what `manager cluster status` shows, and its JSON. */
export interface Overview {
  readonly name: string;
  readonly resourceVersion: string;
  readonly phase: string | undefined;
  readonly phaseReason: string | undefined;
  readonly currentPrimary: string | undefined;
  readonly currentPrimaryTimestamp: string | undefined;
  readonly targetPrimary: string | undefined;
  readonly instances: readonly InstanceRow[];
  /** Undefined: there is none. */
  readonly lease: LeaseOverview | undefined;
}

export interface InstanceRow {
  readonly name: string;
  /** As it says itself. */
  readonly role: 'primary' | 'standby' | 'unknown';
  /** What the Cluster wants it to be. */
  readonly wanted: 'primary' | 'standby';
  /** As the primary, or an operator, judges it: `healthy`, `replicating`, `failed`. */
  readonly condition: string | undefined;
  readonly timeline: number | undefined;
  readonly phase: string | undefined;
  readonly lsn: string | undefined;
  readonly endpoint: string | undefined;
  readonly isFenced: boolean;
  readonly isRestartPending: boolean;
  /** Why it does nothing of what it shall do, as it says itself; undefined: it is not so. */
  readonly refusal: ReportedRefusal | undefined;
}

export interface LeaseOverview {
  /** Empty: free. */
  readonly holder: string;
  /** Seconds since the last renewal, by this machine's clock; undefined when that makes no sense. */
  readonly ageSeconds: number | undefined;
  readonly durationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly transitions: number;
}

/** @param now milliseconds since 1970 */
export function overviewOf(
  { cluster, resourceVersion }: ClusterReading,
  lease: LeaseRecord | undefined,
  now: number,
): Overview {
  const { status = {}, metadata } = cluster;
  return {
    name: metadata.name,
    resourceVersion,
    phase: status.phase,
    phaseReason: status.phaseReason,
    currentPrimary: status.currentPrimary,
    currentPrimaryTimestamp: status.currentPrimaryTimestamp,
    targetPrimary: status.targetPrimary,
    instances: memberNames(cluster).map((name) => rowOf(cluster, name)),
    lease: lease === undefined ? undefined : leaseOverview(lease, now),
  };
}

function rowOf(cluster: ClusterReading['cluster'], name: string): InstanceRow {
  const { status = {} } = cluster;
  const state = status.instancesReportedState?.[name];
  const conditions = Object.entries(status.instancesStatus ?? {});
  return {
    name,
    role: state === undefined ? 'unknown' : roleOf(state),
    wanted: status.targetPrimary === name ? 'primary' : 'standby',
    condition: conditions.find(([, names]) => names.includes(name))?.[0],
    timeline: state?.timeLineID,
    phase: state?.phase,
    lsn: state?.receivedLsn,
    endpoint: state?.port === undefined ? state?.ip : `${state.ip ?? ''}:${state.port}`,
    isFenced: isFenced(cluster, name),
    isRestartPending: state?.pendingRestart ?? false,
    refusal: state?.refusal,
  };
}

function leaseOverview(lease: LeaseRecord, now: number): LeaseOverview {
  const { holder, durationSeconds, acquireTime, renewTime, transitions } = lease;
  const age = (now - Date.parse(renewTime)) / 1_000;
  const ageSeconds = Number.isNaN(age) ? undefined : Math.max(0, age);
  return { holder, ageSeconds, durationSeconds, acquireTime, renewTime, transitions };
}
