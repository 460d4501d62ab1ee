import type { ClusterWatcher, KubernetesApi, StatusPatch } from '../../../src/kubernetes/api.ts';
import { ApiError } from '../../../src/kubernetes/api-error.ts';
import type { ApiObject, LeaseObject, QuorumObject } from '../../../src/kubernetes/objects.ts';

export const conflict = new ApiError('the object has been modified', { status: 409, reason: 'Conflict' });

/** A Cluster as it is stored. */
export function stored(resourceVersion: string, status?: object, uid = 'a'): ApiObject {
  return {
    ...{ apiVersion: 'postgresql.cnpg.io/v1', kind: 'Cluster' },
    metadata: { name: 'demo', uid, resourceVersion },
    spec: {},
    ...(status === undefined ? {} : { status }),
  };
}

/** An API server of one Cluster and one Lease, whose answers a test may put off or replace. */
export class MemoryApi implements KubernetesApi {
  cluster: ApiObject;
  lease: LeaseObject | undefined;
  quorum: QuorumObject | undefined;
  readonly quorums: QuorumObject[] = [];
  readonly patches: StatusPatch[] = [];
  readonly leases: LeaseObject[] = [];
  reads = 0;
  isClosed = false;
  /** What happens when the request has come, before it is carried out. */
  before: () => void | Promise<void> = () => {};
  /** What happens before the answer is given, which is of the moment of the request. */
  delay: () => void | Promise<void> = () => {};
  #watcher: ClusterWatcher | undefined;

  constructor(cluster: ApiObject) {
    this.cluster = cluster;
  }

  /** The watch brings it. */
  push(object: ApiObject | undefined): void {
    this.#watcher?.onObject(object);
  }

  trouble(error: Error): void {
    this.#watcher?.onTrouble(error);
  }

  get isWatched(): boolean {
    return this.#watcher !== undefined;
  }

  readCluster(signal: AbortSignal): Promise<ApiObject> {
    this.reads += 1;
    return this.#answer(signal, () => this.cluster);
  }

  watchCluster(watcher: ClusterWatcher): () => void {
    this.#watcher = watcher;
    return () => {
      this.#watcher = undefined;
    };
  }

  patchClusterStatus(patch: StatusPatch, signal: AbortSignal): Promise<ApiObject> {
    this.patches.push(patch);
    return this.#answer(signal, () => {
      const { resourceVersion = '', uid = '' } = this.cluster.metadata;
      if (patch.metadata?.resourceVersion !== resourceVersion) throw conflict;
      const status = { ...(this.cluster.status as object), ...patch.status };
      this.cluster = stored(String(Number(resourceVersion) + 1), status, uid);
      return this.cluster;
    });
  }

  readLease(signal: AbortSignal): Promise<LeaseObject> {
    return this.#answer(signal, () => this.#lease());
  }

  replaceLease(lease: LeaseObject, signal: AbortSignal): Promise<LeaseObject> {
    this.leases.push(lease);
    return this.#answer(signal, () => {
      const { resourceVersion = '' } = this.#lease().metadata;
      if (lease.metadata.resourceVersion !== resourceVersion) throw conflict;
      this.lease = { ...lease, metadata: { ...lease.metadata, resourceVersion: `${resourceVersion}1` } };
      return this.lease;
    });
  }

  readFailoverQuorum(signal: AbortSignal): Promise<QuorumObject> {
    return this.#answer(signal, () => {
      if (this.quorum === undefined) throw new ApiError('there is none', { status: 404, reason: 'NotFound' });
      return this.quorum;
    });
  }

  replaceFailoverQuorumStatus(quorum: QuorumObject, signal: AbortSignal): Promise<QuorumObject> {
    this.quorums.push(quorum);
    return this.#answer(signal, () => {
      const { resourceVersion } = quorum.metadata;
      if (resourceVersion !== this.quorum?.metadata.resourceVersion) throw conflict;
      this.quorum = { ...quorum, metadata: { ...quorum.metadata, resourceVersion: `${resourceVersion}1` } };
      return this.quorum;
    });
  }

  readSecret = (): never => unused();
  readConfigMap = (): never => unused();
  createEvent = (): never => unused();
  patchEvent = (): never => unused();

  close(): void {
    this.isClosed = true;
  }

  #lease(): LeaseObject {
    if (this.lease === undefined) throw new ApiError('not found', { status: 404, reason: 'NotFound' });
    return this.lease;
  }

  async #answer<T>(signal: AbortSignal, carryOut: () => T): Promise<T> {
    await this.before();
    signal.throwIfAborted();
    const answer = carryOut();
    await this.delay();
    signal.throwIfAborted();
    return answer;
  }
}

function unused(): never {
  throw new Error('nobody asks for this here');
}
