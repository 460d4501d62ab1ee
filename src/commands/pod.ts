import { inClusterNamespace } from '../kubernetes/in-cluster.ts';
import type { RunOptions } from './options.ts';

/** Where an instance stands in Kubernetes. */
export interface Pod {
  readonly cluster: string;
  readonly namespace: string;
  /** Group of the Cluster's kind. */
  readonly group: string;
}

const defaultGroup = 'postgresql.cnpg.io';

/**
 * The Cluster in the Kubernetes API that an instance belongs to: when the Pod has an API, a name of a Cluster and a namespace,
 * and no file is named. Undefined: it is none of Kubernetes' business.
 */
export function podOf(
  { clusterFile, clusterName, namespace, apiGroup }: RunOptions,
  environment: NodeJS.ProcessEnv,
): Pod | undefined {
  const cluster = clusterName ?? environment.CLUSTER_NAME ?? '';
  const hasApi = (environment.KUBERNETES_SERVICE_HOST ?? '') !== '';
  if (clusterFile !== undefined || !hasApi || cluster === '') return undefined;
  const space = namespace || environment.NAMESPACE || inClusterNamespace();
  return space === undefined ? undefined : { cluster, namespace: space, group: apiGroup ?? defaultGroup };
}
