import type { KubernetesApi } from '../kubernetes/api.ts';
import { isConflict, isNotFound } from '../kubernetes/api-error.ts';
import type { LeaseObject } from '../kubernetes/objects.ts';
import type { LeaseRecord, LeaseStore } from './source.ts';

/**
 * The Lease that the operator makes for the primary (contract 03, 3.8). It may only be read and replaced: nothing tells of a
 * change. Members that are not ours, labels and owners above all, are written back as they were read.
 */
export class KubernetesLease implements LeaseStore {
  readonly #api: KubernetesApi;
  readonly #listeners = new Set<() => void>();
  /** As it was read or written last. */
  #object: LeaseObject | undefined;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  async read(signal: AbortSignal): Promise<LeaseRecord | undefined> {
    try {
      this.#object = await this.#api.readLease(signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#object = undefined;
      return undefined;
    }
    return recordOf(this.#object);
  }

  async write(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | 'conflict'> {
    const object = this.#object;
    if (object === undefined || object.metadata.resourceVersion !== record.resourceVersion) return 'conflict';
    const spec = {
      ...object.spec,
      holderIdentity: record.holder,
      leaseDurationSeconds: record.durationSeconds,
      // An API server refuses an empty time; one that is absent was absent when it was read.
      ...(record.acquireTime === '' ? {} : { acquireTime: record.acquireTime }),
      ...(record.renewTime === '' ? {} : { renewTime: record.renewTime }),
      leaseTransitions: record.transitions,
    };
    try {
      this.#object = await this.#api.replaceLease({ ...object, spec }, signal);
    } catch (error) {
      // One that has been deleted is no longer the one that was read, either.
      if (!isConflict(error) && !isNotFound(error)) throw error;
      return 'conflict';
    }
    return recordOf(this.#object);
  }

  /** The only change that anything tells of: the server can be asked again. */
  watch(onChange: () => void): () => void {
    this.#listeners.add(onChange);
    return () => this.#listeners.delete(onChange);
  }

  /** The server that holds the lease has been away, and answers again. */
  reachable(): void {
    for (const listener of this.#listeners) listener();
  }
}

function recordOf({ metadata, spec }: LeaseObject): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationSeconds: spec?.leaseDurationSeconds ?? 0,
    acquireTime: spec?.acquireTime ?? '',
    renewTime: spec?.renewTime ?? '',
    transitions: spec?.leaseTransitions ?? 0,
    resourceVersion: metadata.resourceVersion ?? '',
  };
}
