import { type ClusterStatus, type Condition, clusterPhase } from './status.ts';

/**
 * The status with another phase. The condition Ready goes with it (contract 03, 2.4): it is True in the healthy phase only,
 * and its time of transition changes only with its status.
 *
 * @param now milliseconds since 1970
 */
export function withPhase(
  status: ClusterStatus,
  phase: string,
  phaseReason: string,
  now: number,
): ClusterStatus {
  const isHealthy = phase === clusterPhase.healthy;
  const ready = {
    type: 'Ready',
    status: isHealthy ? 'True' : 'False',
    reason: isHealthy ? 'ClusterIsReady' : 'ClusterIsNotReady',
    message: isHealthy ? 'Cluster is Ready' : 'Cluster Is Not Ready',
  } as const;
  return { ...status, phase, phaseReason, conditions: withCondition(status.conditions ?? [], ready, now) };
}

function withCondition(
  conditions: readonly Condition[],
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: number,
): readonly Condition[] {
  const at = conditions.findIndex(({ type }) => type === condition.type);
  const before = conditions[at];
  const lastTransitionTime =
    before?.status === condition.status
      ? before.lastTransitionTime
      : `${new Date(now).toISOString().slice(0, 19)}Z`;
  const changed = { ...before, ...condition, lastTransitionTime };
  return before === undefined ? [...conditions, changed] : conditions.with(at, changed);
}
