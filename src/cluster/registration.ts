import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from './cluster.ts';
import { type FounderFacts, isCandidate } from './founder.ts';
import { withoutForget } from './requests.ts';
import { type ClusterStatus, clusterPhase, type ReportedState, timestamp } from './status.ts';

/**
 * What instances write into the status of a Cluster that no operator looks after: who they are, where they listen, and, by
 * the primary, who streams from it. On Kubernetes the operator writes all of this (contract 03, 2.5).
 */

/** An instance that registers itself. */
export interface Registrant extends FounderFacts {
  readonly cluster: Pick<Cluster, 'metadata' | 'spec'>;
  readonly holdsLease: boolean;
  readonly state: ReportedState;
}

/**
 * The status with this instance in it; undefined when it says so already. Only of a Cluster in which nobody is chosen an
 * instance chooses itself (founder.ts); otherwise nobody chooses one here.
 *
 * @param now milliseconds since 1970
 */
export function registered(status: ClusterStatus, me: Registrant, now: number): ClusterStatus | undefined {
  const { cluster, name, data, state } = me;
  const names = status.instanceNames ?? [];
  const isFounder = me.holdsLease && isCandidate(cluster, status, me);
  const next: ClusterStatus = {
    ...(withoutForget(status, [name]) ?? status),
    ...(isFounder
      ? { targetPrimary: name, targetPrimaryTimestamp: timestamp(now), phase: clusterPhase.settingUpPrimary }
      : {}),
    instanceNames: names.includes(name) ? names : [...names, name].toSorted(byName),
    instancesReportedState: {
      ...status.instancesReportedState,
      [name]: { ...status.instancesReportedState?.[name], ...state, data },
    },
  };
  return isDeepStrictEqual(clean(next), clean(status)) ? undefined : next;
}

/**
 * The status as the primary sees its standbys: those that stream are healthy, the others are not. Undefined when nothing
 * changes, or when another one is the primary.
 */
export function withHealth(
  status: ClusterStatus,
  primary: { readonly name: string; readonly streaming: readonly string[]; readonly timeline: number },
): ClusterStatus | undefined {
  if (status.currentPrimary !== primary.name || status.targetPrimary !== primary.name) return undefined;
  const names = status.instanceNames ?? [];
  const isHealthy = (name: string) => name === primary.name || primary.streaming.includes(name);
  const healthy = names.filter(isHealthy);
  const failed = names.filter((name) => !isHealthy(name));
  const isSettled = status.phase === undefined || transient.includes(status.phase);
  const next: ClusterStatus = {
    ...status,
    ...(isSettled ? { phase: clusterPhase.healthy } : {}),
    // The reason was that of the phase which is over.
    ...(isSettled && status.phaseReason !== undefined ? { phaseReason: '' } : {}),
    timelineID: primary.timeline,
    instancesStatus: { healthy, ...(failed.length === 0 ? {} : { failed }) },
  };
  return isDeepStrictEqual(clean(next), clean(status)) ? undefined : next;
}

/** By which instances see that they have loaded the same configuration: their files differ in where they listen. */
export function specDigest(cluster: Cluster | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify(cluster?.spec ?? {}))
    .digest('hex')
    .slice(0, 16);
}

/** Phases that end with a primary that serves; commands and waits for a person stay until they are dealt with. */
const transient: readonly string[] = [
  clusterPhase.settingUpPrimary,
  clusterPhase.switchover,
  clusterPhase.failover,
  clusterPhase.applyingConfiguration,
];

function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Without members that are undefined, which a file cannot hold. */
function clean(status: ClusterStatus): unknown {
  return JSON.parse(JSON.stringify(status));
}
