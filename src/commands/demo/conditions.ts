import type { ClusterStatus } from '../../cluster/status.ts';
import type { Condition, Target } from './script.ts';
import { type InstanceFacts, isStreaming } from './view.ts';

/** What conditions are judged by. Times are milliseconds since the demo began. */
export interface World {
  readonly now: number;
  /** When the last command was given: nothing that was seen before counts. */
  readonly since: number;
  readonly status: Pick<ClusterStatus, 'currentPrimary' | 'targetPrimary'>;
  readonly instances: readonly InstanceFacts[];
  /** The last acknowledged row. */
  readonly lastRow: { readonly at: number; readonly by: string } | undefined;
  /** Rows acknowledged since the wait began. */
  readonly rows: number;
  /** When the wait began. */
  readonly waitingSince: number;
}

/**
 * What is still missing for a condition, for the message when it does not come; undefined: nothing is.
 */
export function whatIsMissing(condition: Condition, world: World): string | undefined {
  switch (condition.kind) {
    case 'healthy':
      return whatIsMissingForHealth(world);
    case 'primary':
      return whatIsMissingToLead(resolve(condition.target, world), world);
    case 'down': {
      const instance = resolve(condition.target, world);
      return instance?.hasServer === true ? `the server of ${instance.name} runs` : undefined;
    }
    case 'rows':
      return world.rows >= condition.count ? undefined : `${world.rows} of ${condition.count} rows so far`;
    case 'silence': {
      const silence = world.now - Math.max(world.lastRow?.at ?? 0, world.waitingSince);
      return silence >= condition.seconds * 1000 ? undefined : 'rows are still acknowledged';
    }
  }
}

/** Undefined: the Cluster has no primary. */
export function resolve(
  target: Target,
  { instances, status }: Pick<World, 'instances' | 'status'>,
): InstanceFacts | undefined {
  return instances.find((instance) =>
    target === 'primary' ? instance.name === status.currentPrimary : instance.number === target,
  );
}

function whatIsMissingForHealth(world: World): string | undefined {
  const primary = resolve('primary', world);
  const missing = whatIsMissingToLead(primary, world);
  if (missing !== undefined) return missing;
  for (const { name, report } of world.instances) {
    if (report === undefined || report.askedAt < world.since) return `${name} has not been asked yet`;
    if (!report.ready) return `${name} is not ready: ${report.reason ?? 'it does not say why'}`;
    if (name !== primary?.name && !isStreaming(name, primary?.report?.status)) {
      return `${name} does not stream from ${primary?.name}`;
    }
  }
  return undefined;
}

function whatIsMissingToLead(instance: InstanceFacts | undefined, world: World): string | undefined {
  const { currentPrimary, targetPrimary } = world.status;
  if (instance === undefined) return 'the Cluster has no primary';
  if (currentPrimary !== instance.name || targetPrimary !== instance.name) {
    return `the Cluster has the primary ${currentPrimary ?? ''} and the target ${targetPrimary ?? ''}`;
  }
  if (instance.report?.status?.isPrimary !== true || instance.report.askedAt < world.since) {
    return `${instance.name} has not answered as the primary yet`;
  }
  const isWritten =
    world.lastRow !== undefined && world.lastRow.at > world.since && world.lastRow.by === instance.name;
  return isWritten ? undefined : `${instance.name} has not acknowledged a row yet`;
}
