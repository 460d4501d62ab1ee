import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from './cluster.ts';
import type { ClusterReading, ClusterSource, LeaseRecord, LeaseStore } from './source.ts';
import type { ClusterStatus } from './status.ts';

/**
 * The Cluster of one instance that shares it with nobody: it is chosen as the primary from the beginning, and says itself
 * when it has become it, whether its data directory was empty or not. What is written
 * into the status is kept in memory.
 *
 * @param load reads what the instance shall be, every time that the source is read; what it throws, `read` throws
 */
export function standaloneSource(instance: string, load: () => Promise<Cluster> | Cluster): ClusterSource {
  let status: ClusterStatus = {
    targetPrimary: instance,
    instanceNames: [instance],
    instancesStatus: { healthy: [instance] },
  };
  let last: ClusterReading | undefined;
  let version = 0;
  const read = async (): Promise<ClusterReading> => {
    const cluster = { ...(await load()), status };
    if (last === undefined || !isDeepStrictEqual(cluster, last.cluster)) {
      version += 1;
      last = { cluster, resourceVersion: String(version) };
    }
    return last;
  };
  return {
    kind: 'standalone',
    isOrdered: true,
    read,
    watch: () => () => {},
    updateStatus: async (change) => {
      status = change(status) ?? status;
      return read();
    },
    lease: ownLease(instance),
  };
}

/** The plainest Cluster, for an instance that is described by its environment alone. */
export function bareCluster(name: string): Cluster {
  return { apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster', metadata: { name }, spec: {} };
}

/** Held from the beginning and for ever, even after it was given back: nobody else could want it. */
function ownLease(instance: string): LeaseStore {
  let record: LeaseRecord = {
    holder: instance,
    durationSeconds: 1,
    acquireTime: '',
    renewTime: '',
    transitions: 0,
    resourceVersion: '0',
  };
  return {
    read: async () => ({ ...record, holder: instance }),
    write: async (next) => {
      record = { ...next, resourceVersion: String(Number(record.resourceVersion) + 1) };
      return record;
    },
    watch: () => () => {},
  };
}
