import type { KubernetesApi } from '../kubernetes/api.ts';
import { isConflict, isNotFound } from '../kubernetes/api-error.ts';
import type { QuorumObject } from '../kubernetes/objects.ts';
import type { QuorumStatus, QuorumStore } from './source.ts';

/** Each conflict means that the operator has written: it does so once for a question of its own. */
const mostConflicts = 4;

/** The object FailoverQuorum that the operator makes where failovers go by a quorum (contract 03, 1.1 and 3.20). */
export class KubernetesQuorum implements QuorumStore {
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  async write(status: QuorumStatus | undefined, signal: AbortSignal): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#writeOnce(status, signal);
      } catch (error) {
        if (isNotFound(error)) return false;
        if (!isConflict(error) || attempt === mostConflicts) throw error;
      }
    }
  }

  async #writeOnce(status: QuorumStatus | undefined, signal: AbortSignal): Promise<boolean> {
    const object = await this.#api.readFailoverQuorum(signal);
    if (!isSame(object.status ?? {}, status)) {
      await this.#api.replaceFailoverQuorumStatus({ ...object, status: status ?? {} }, signal);
    }
    return true;
  }
}

function isSame(present: NonNullable<QuorumObject['status']>, wanted: QuorumStatus | undefined): boolean {
  return (
    (present.method ?? '') === (wanted?.method ?? '') &&
    (present.primary ?? '') === (wanted?.primary ?? '') &&
    (present.standbyNumber ?? 0) === (wanted?.standbyNumber ?? 0) &&
    (present.standbyNames ?? []).join() === (wanted?.standbyNames ?? []).join()
  );
}
