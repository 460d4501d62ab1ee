import { readFileSync } from 'node:fs';
import type { StopEvent, StopPolicy } from '../alignment/stop-plan.ts';
import { type Cluster, type ClusterSpec, stopPolicyOf } from '../cluster/cluster.ts';
import { leaseTimings, roleDelays } from '../cluster/defaults.ts';
import { type FirstBoot, firstBootWarnings, whyNotFirstBoot } from '../cluster/first-boot.ts';
import { firstBootFromCluster } from '../cluster/from-cluster.ts';
import { firstBootFromEnvironment } from '../cluster/from-environment.ts';
import type { ClusterReading } from '../cluster/source.ts';
import { findUnusableValue } from '../cluster/unusable-value.ts';
import { ManagerError } from '../errors/manager-error.ts';
import type { ConfigurationFacts, DesiredState, ReplicationPlan } from '../instance/settings.ts';
import type { Logger } from '../logs/manager-log.ts';
import { clusterFiles, imageFiles } from './configuration-files.ts';

/** What an instance that shares its Cluster makes of it besides; see shared-cluster.ts. */
export interface SharedRules {
  /** The user's parameters over the defaults of a Cluster: what its standbys are compared with (contract 04, 10.3). */
  parameters(cluster: Cluster): Readonly<Record<string, string>>;
  replicationPlan(cluster: Cluster): ReplicationPlan;
  files(cluster: Cluster, superuser: string, facts: ConfigurationFacts): ReadonlyMap<string, string>;
}

export interface DesiredStateInput {
  readonly environment: NodeJS.ProcessEnv;
  readonly origin: 'environment' | 'file';
  /** --cluster-name, for an instance without a file. */
  readonly clusterName: string | undefined;
  /** Where several instances share the Cluster. */
  readonly shared: SharedRules | undefined;
  readonly log: Logger;
}

/**
 * What the Cluster asks of this instance, completed by the environment; without a file, what the environment asks, as with
 * the `postgres` image.
 *
 * @throws SECRET_UNREADABLE, BAD_ARGUMENT
 */
export function describeDesiredState({ cluster }: ClusterReading, input: DesiredStateInput): DesiredState {
  const { environment, origin, clusterName, shared, log } = input;
  const fromEnvironment = firstBootFromEnvironment(environment, (path) => readFileSync(path, 'utf8'));
  const isFromFile = origin === 'file';
  const firstBoot = isFromFile ? firstBootFromCluster(cluster, fromEnvironment) : fromEnvironment;
  const { spec } = cluster;
  return {
    clusterName: isFromFile ? cluster.metadata.name : (clusterName ?? 'postgres'),
    firstBoot,
    checkFirstBoot: () => checkFirstBoot(firstBoot, log),
    policyFor: (cause) => policyFor(spec, cause),
    parameters: shared?.parameters(cluster) ?? spec.postgresql?.parameters ?? {},
    promotionTimeout: roleDelays(spec).promotion * 1000,
    replication: shared?.replicationPlan(cluster),
    configurationFiles: (facts) => {
      if (shared !== undefined) return shared.files(cluster, firstBoot.superuser, facts);
      if (isFromFile) return clusterFiles(cluster, firstBoot.superuser, facts);
      return imageFiles(firstBoot, clusterName, facts);
    },
  };
}

/** Contract 03, 3.11: what asks for a stop says how long it may take. */
function policyFor(spec: Cluster['spec'], cause: StopEvent): StopPolicy {
  const policy = stopPolicyOf(spec);
  switch (cause) {
    case 'hand over':
      return { ...policy, fastSeconds: roleDelays(spec).switchover };
    case 'isolation':
      return { ...policy, immediateSeconds: isolationSeconds(spec) };
    default:
      return policy;
  }
}

/**
 * What lies between the deadline of the holder and the claim of the next one, less a part of it for clocks that go wrong
 * and for the kill itself.
 */
function isolationSeconds(spec: Pick<ClusterSpec, 'primaryLease'>): number {
  const { duration, renewDeadline } = leaseTimings(spec);
  return ((duration - renewDeadline) / 1000) * 0.6;
}

function checkFirstBoot(plan: FirstBoot, log: Logger): void {
  const refusal = whyNotFirstBoot(plan);
  if (refusal !== undefined) throw new ManagerError('NO_PASSWORD', refusal);
  const unusable = findUnusableValue(plan);
  if (unusable !== undefined) throw new ManagerError('BAD_ARGUMENT', unusable);
  for (const warning of firstBootWarnings(plan)) log.warn(warning);
}
