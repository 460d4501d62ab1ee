import type { Cluster } from '../../../src/cluster/cluster.ts';

/** A Cluster in which only what is said differs from the plainest one. */
export function clusterOf(parts: Partial<Cluster>): Cluster {
  return {
    apiVersion: 'postgresql.cnpg.io/v1',
    kind: 'Cluster',
    metadata: { name: 'demo' },
    spec: {},
    ...parts,
  };
}
