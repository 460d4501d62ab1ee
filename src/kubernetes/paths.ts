import type { ApiNames } from './api.ts';

/** Paths of the objects that are touched (Kubernetes API conventions); each names one object, or one collection to add to. */
export function apiPaths({ group, namespace, cluster }: ApiNames) {
  const part = encodeURIComponent;
  const clusters = `/apis/${part(group)}/v1/namespaces/${part(namespace)}/clusters`;
  const core = `/api/v1/namespaces/${part(namespace)}`;
  const lease = `/apis/coordination.k8s.io/v1/namespaces/${part(namespace)}/leases/${part(cluster)}`;
  // A Role that is limited by resourceNames allows list and watch only with this selector (contract 03, 1.5).
  const byName = `fieldSelector=${part(`metadata.name=${cluster}`)}`;
  return {
    cluster: `${clusters}/${part(cluster)}`,
    clusterStatus: `${clusters}/${part(cluster)}/status`,
    clusterList: `${clusters}?${byName}`,
    clusterWatch: (resourceVersion: string, timeoutSeconds: number) =>
      `${clusters}?${byName}&watch=true&allowWatchBookmarks=true&resourceVersion=${part(resourceVersion)}&timeoutSeconds=${timeoutSeconds}`,
    lease,
    quorum: `/apis/${part(group)}/v1/namespaces/${part(namespace)}/failoverquorums/${part(cluster)}`,
    secret: (name: string) => `${core}/secrets/${part(name)}`,
    configMap: (name: string) => `${core}/configmaps/${part(name)}`,
    events: `${core}/events`,
    event: (name: string) => `${core}/events/${part(name)}`,
  };
}
