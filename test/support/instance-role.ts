import type { AccountOptions } from './instance-account.ts';

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Secrets that a plain Cluster names (contract 03, 1.4, 1). */
export function secretNamesOf(cluster: string): string[] {
  return ['app', 'ca', 'replication', 'server', 'superuser'].map((suffix) => `${cluster}-${suffix}`);
}

/** The Role that the operator makes for the instances of a Cluster, rule by rule (contract 03, 1.3). */
export function instanceRules({ cluster, group }: AccountOptions): PolicyRule[] {
  const rule = (
    apiGroup: string,
    resource: string,
    verbs: string,
    resourceNames?: readonly string[],
  ): PolicyRule => ({
    apiGroups: [apiGroup],
    resources: [resource],
    verbs: verbs.split(' '),
    ...(resourceNames === undefined ? {} : { resourceNames }),
  });
  return [
    rule('', 'configmaps', 'get watch', [cluster]),
    rule('', 'secrets', 'get watch', secretNamesOf(cluster)),
    rule(group, 'clusters', 'get list watch', [cluster]),
    rule(group, 'clusters/status', 'get patch update watch', [cluster]),
    rule(group, 'backups', 'list get delete'),
    rule(group, 'backups/status', 'get patch update'),
    rule('', 'events', 'create patch'),
    rule(group, 'databases', 'get update list watch', []),
    rule(group, 'databases/status', 'get patch update'),
    rule(group, 'publications', 'get update list watch'),
    rule(group, 'publications/status', 'get patch update'),
    rule(group, 'subscriptions', 'get update list watch'),
    rule(group, 'subscriptions/status', 'get patch update'),
    rule('coordination.k8s.io', 'leases', 'get update', [cluster]),
    rule(group, 'failoverquorums', 'get list watch', [cluster]),
    rule(group, 'failoverquorums/status', 'get patch update watch', [cluster]),
    rule(group, 'databaseroles', 'get update list watch'),
    rule(group, 'databaseroles/status', 'get patch update'),
  ];
}
