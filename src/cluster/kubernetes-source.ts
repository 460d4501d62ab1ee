import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { KubernetesApi } from '../kubernetes/api.ts';
import { isConflict } from '../kubernetes/api-error.ts';
import { type ApiObject, isOlder } from '../kubernetes/objects.ts';
import type { Cluster } from './cluster.ts';
import { KubernetesLease } from './kubernetes-lease.ts';
import { KubernetesQuorum } from './kubernetes-quorum.ts';
import { mergePatch } from './merge-patch.ts';
import type { ClusterReading, ClusterSource } from './source.ts';
import type { ClusterStatus } from './status.ts';

/** Milliseconds for one request; a server that is slow is not one that has gone. */
const patience = 10_000;
/** Each conflict means that somebody else has written: an operator that writes all the time is outrun in a few. */
const mostConflicts = 20;

/**
 * Members of the status that an instance may write (contract 03, 2.5): the others are the operator's, who would fight over
 * them.
 */
const own: ReadonlySet<string> = new Set([
  'currentPrimary',
  'currentPrimaryTimestamp',
  'phase',
  'phaseReason',
  'conditions',
]);

export interface KubernetesSourceOptions {
  /** The connection to the API has broken; told once until it stands again. */
  readonly onTrouble: (error: Error) => void;
}

/** The Cluster in the Kubernetes API, followed by a watch. */
export class KubernetesSource implements ClusterSource {
  readonly kind = 'kubernetes';
  readonly isOrdered = true;
  readonly lease: KubernetesLease;
  readonly quorum: KubernetesQuorum;
  readonly #api: KubernetesApi;
  readonly #onTrouble: (error: Error) => void;
  /** The latest state that was seen, by whatever way: an answer may be older than what the watch has brought meanwhile. */
  #newest: ApiObject | undefined;

  constructor(api: KubernetesApi, { onTrouble }: KubernetesSourceOptions) {
    this.#api = api;
    this.#onTrouble = onTrouble;
    this.lease = new KubernetesLease(api);
    this.quorum = new KubernetesQuorum(api);
  }

  /** The object itself; undefined before the first reading. */
  get newest(): ApiObject | undefined {
    return this.#newest;
  }

  async read(signal: AbortSignal): Promise<ClusterReading> {
    return this.#take(await this.#ask((limited) => this.#api.readCluster(limited), signal));
  }

  watch(onChange: (pushed?: ClusterReading) => void): () => void {
    return this.#api.watchCluster({
      onObject: (object) => {
        // A Cluster that has been deleted takes its Pods with it; until then what it said last stays in force.
        if (object === undefined) return;
        if (this.#newest !== undefined && isKnown(object, this.#newest)) return;
        onChange(this.#take(object));
      },
      onTrouble: this.#onTrouble,
      onStanding: () => this.lease.reachable(),
    });
  }

  async updateStatus(
    change: (status: ClusterStatus) => ClusterStatus | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading | undefined> {
    const known = this.#newest;
    let base = known ?? (await this.#ask((limited) => this.#api.readCluster(limited), signal));
    for (let attempt = 0; attempt < mostConflicts; attempt += 1) {
      const patch = patchOf(base, change);
      if (patch === undefined) return base === known ? undefined : this.#take(base);
      try {
        return this.#take(await this.#ask((limited) => this.#api.patchClusterStatus(patch, limited), signal));
      } catch (error) {
        if (!isConflict((error as Error).cause)) throw error;
        base = await this.#ask((limited) => this.#api.readCluster(limited), signal);
      }
    }
    throw new ManagerError(
      'CLUSTER_CONFLICT',
      `the status was changed by others ${mostConflicts} times in a row`,
    );
  }

  close(): void {
    this.#api.close();
  }

  #take(object: ApiObject): ClusterReading {
    if (this.#newest === undefined || !isOlder(object, this.#newest)) this.#newest = object;
    return readingOf(this.#newest);
  }

  async #ask<T>(request: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await request(AbortSignal.any([signal, AbortSignal.timeout(patience)]));
    } catch (error) {
      signal.throwIfAborted();
      throw new ManagerError('CLUSTER_UNREADABLE', messageOf(error), { cause: error });
    }
  }
}

/** One of the same name that was made anew is never known. */
function isKnown(object: ApiObject, newest: ApiObject): boolean {
  const { uid, resourceVersion } = newest.metadata;
  const isSame = object.metadata.uid === uid && object.metadata.resourceVersion === resourceVersion;
  return isSame || isOlder(object, newest);
}

/** With the version that it was made from: what was decided about one state is not written over another. */
function patchOf(object: ApiObject, change: (status: ClusterStatus) => ClusterStatus | undefined) {
  const status = (object as { status?: ClusterStatus }).status ?? {};
  const changed = change(status);
  const patch = changed === undefined ? undefined : mergePatch({ ...status }, { ...changed });
  if (patch === undefined) return undefined;
  const foreign = Object.keys(patch).filter((name) => !own.has(name));
  if (foreign.length > 0) throw new Error(`status.${foreign.join(', status.')}: not an instance's to write`);
  return { metadata: { resourceVersion: object.metadata.resourceVersion ?? '' }, status: patch };
}

function readingOf(object: ApiObject): ClusterReading {
  // The API server has checked it against the schema of the operator, which is that of our types.
  const cluster = object as unknown as Cluster;
  const { uid = '', resourceVersion = '' } = object.metadata;
  return { cluster, resourceVersion: `${uid}-${resourceVersion}` };
}
