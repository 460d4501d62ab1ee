import { ManagerError } from '../errors/manager-error.ts';
import type { Cluster } from './cluster.ts';
import { isFenced } from './fencing.ts';
import { checkMember } from './members.ts';
import { type ClusterStatus, clusterPhase, timestamp } from './status.ts';

/**
 * What a person asks of a Cluster through its status. Nothing here decides by itself who shall be the primary.
 */

/**
 * The status that makes an instance the target, as the operator's plugin writes it (contract 03, 2.5).
 *
 * @param now milliseconds since 1970
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED
 */
export function promotion(cluster: Cluster, instance: string, now: number): ClusterStatus {
  checkMember(cluster, instance);
  const { status = {} } = cluster;
  if (isFenced(cluster, instance)) {
    throw new ManagerError('REQUEST_REFUSED', `${instance} is fenced: its server does not run`);
  }
  if (status.targetPrimary === instance) {
    const is = status.currentPrimary === instance ? 'is the primary already' : 'is the target already';
    throw new ManagerError('REQUEST_REFUSED', `${instance} ${is}`);
  }
  return {
    ...status,
    targetPrimary: instance,
    targetPrimaryTimestamp: timestamp(now),
    phase: clusterPhase.switchover,
    phaseReason: `Switching over to ${instance}`,
  };
}

/**
 * The status that asks an instance to put its data aside and to copy the primary anew. The time of the request is its
 * name: an instance carries each out once.
 *
 * @param now milliseconds since 1970
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED
 */
export function reclone(cluster: Cluster, instance: string, now: number): ClusterStatus {
  checkMember(cluster, instance);
  const { status = {} } = cluster;
  for (const role of ['current', 'target'] as const) {
    if (status[`${role}Primary`] !== instance) continue;
    throw new ManagerError(
      'REQUEST_REFUSED',
      `${instance} is the ${role} primary: promote another one first`,
    );
  }
  return { ...status, recloneRequests: { ...status.recloneRequests, [instance]: timestamp(now) } };
}

/**
 * The status without a request that was carried out; undefined when it is not there any more, or a later one is.
 *
 * @param request its time, which is its name
 */
export function withoutReclone(
  status: ClusterStatus,
  instance: string,
  request: string,
): ClusterStatus | undefined {
  const { [instance]: asked, ...recloneRequests } = status.recloneRequests ?? {};
  return asked === request ? { ...status, recloneRequests } : undefined;
}
