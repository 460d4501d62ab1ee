import { ManagerError } from '../errors/manager-error.ts';
import type { Cluster } from './cluster.ts';
import { isFenced } from './fencing.ts';
import { checkMember } from './members.ts';
import { type ClusterStatus, clusterPhase, timestamp } from './status.ts';

/**
 * What a person asks of a Cluster through its status. Nothing here decides by itself who shall be the primary.
 */

export interface Request {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Also when the status speaks against it: what `promotion` and `forget` refuse. */
  readonly isForced: boolean;
}

/**
 * The status that makes an instance the target, as the operator's plugin writes it (contract 03, 2.5). One that, by the
 * status, does not stream may lack what was acknowledged, and nobody would bring it any more: only by force.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED
 */
export function promotion(cluster: Cluster, instance: string, { now, isForced }: Request): ClusterStatus {
  checkMember(cluster, instance);
  const { status = {} } = cluster;
  if (isFenced(cluster, instance)) {
    throw new ManagerError('REQUEST_REFUSED', `${instance} is fenced: its server does not run`);
  }
  if (status.targetPrimary === instance) {
    const is = status.currentPrimary === instance ? 'is the primary already' : 'is the target already';
    throw new ManagerError('REQUEST_REFUSED', `${instance} ${is}`);
  }
  const why = isForced ? undefined : whyNotReady(status, instance);
  if (why !== undefined) {
    throw new ManagerError(
      'REQUEST_REFUSED',
      `${instance} ${why}; --force chooses it all the same, and what it has not received is lost`,
    );
  }
  return {
    ...status,
    targetPrimary: instance,
    targetPrimaryTimestamp: timestamp(now),
    phase: clusterPhase.switchover,
    phaseReason: `Switching over to ${instance}`,
  };
}

/** What speaks against a target, by what it and the primary have said last; undefined: nothing. */
function whyNotReady(status: ClusterStatus, instance: string): string | undefined {
  // A switchover that has not been completed is taken back: nobody has what the primary lacks.
  if (status.currentPrimary === instance) return undefined;
  const state = status.instancesReportedState?.[instance];
  if (state === undefined) return 'has said nothing of itself yet';
  if (state.isPrimary || state.data === 'primary') return 'holds the data of a primary, it is no standby';
  if (state.phase !== 'running') return `does not run, its phase is ${state.phase ?? 'not known'}`;
  const isHealthy = status.instancesStatus?.healthy?.includes(instance) === true;
  return isHealthy ? undefined : 'does not stream from the primary, by what that has said last';
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
  requireNoPrimary(status, instance);
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

/**
 * The status without an instance that is gone for good, with the request to the primary to keep no slot for it any more.
 * One that is still there registers itself again.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED
 */
export function forget(cluster: Cluster, instance: string, { now, isForced }: Request): ClusterStatus {
  checkMember(cluster, instance);
  const { status = {} } = cluster;
  requireNoPrimary(status, instance);
  const isHealthy = status.instancesStatus?.healthy?.includes(instance) === true;
  const isRunning = status.instancesReportedState?.[instance]?.phase === 'running';
  if (!isForced && (isHealthy || isRunning)) {
    const why = isHealthy ? 'streams from the primary' : 'has said last that it runs';
    throw new ManagerError(
      'REQUEST_REFUSED',
      `${instance} ${why}; stop its manager first, or use --force when that is gone`,
    );
  }
  const others = (names: readonly string[]) => names.filter((name) => name !== instance);
  const { [instance]: _state, ...instancesReportedState } = status.instancesReportedState ?? {};
  const { [instance]: _request, ...recloneRequests } = status.recloneRequests ?? {};
  const conditions = Object.entries(status.instancesStatus ?? {});
  return {
    ...status,
    instanceNames: others(status.instanceNames ?? []),
    instancesReportedState,
    instancesStatus: Object.fromEntries(conditions.map(([name, of]) => [name, others(of)])),
    ...(status.recloneRequests === undefined ? {} : { recloneRequests }),
    forgetRequests: { ...status.forgetRequests, [instance]: timestamp(now) },
  };
}

/** The status without the requests to forget these; undefined when there are none. */
export function withoutForget(
  status: ClusterStatus,
  instances: readonly string[],
): ClusterStatus | undefined {
  const asked = Object.entries(status.forgetRequests ?? {});
  const left = asked.filter(([name]) => !instances.includes(name));
  return left.length === asked.length ? undefined : { ...status, forgetRequests: Object.fromEntries(left) };
}

function requireNoPrimary(status: ClusterStatus, instance: string): void {
  for (const role of ['current', 'target'] as const) {
    if (status[`${role}Primary`] !== instance) continue;
    throw new ManagerError(
      'REQUEST_REFUSED',
      `${instance} is the ${role} primary: promote another one first`,
    );
  }
}
