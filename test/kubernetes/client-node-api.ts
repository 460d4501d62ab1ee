import {
  ApiException,
  type ConfigurationOptions,
  CoreV1Api,
  type CoreV1Event,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  Observable,
  type ObservableMiddleware,
  type RequestContext,
  type ResponseContext,
  Watch,
} from '@kubernetes/client-node';
import type { ApiNames, ClusterWatcher, KubernetesApi, StatusPatch } from '../../src/kubernetes/api.ts';
import { ApiError, errorOf } from '../../src/kubernetes/api-error.ts';
import { backoff } from '../../src/kubernetes/backoff.ts';
import type {
  ApiObject,
  ConfigMapObject,
  EventObject,
  LeaseObject,
  QuorumObject,
  SecretObject,
} from '../../src/kubernetes/objects.ts';
import { apiPaths } from '../../src/kubernetes/paths.ts';

const mergePatch = 'application/merge-patch+json';
/** Group of Leases, whose times the client's own type would cut to milliseconds. */
const leases = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const;

/** Where an API server is, and the directory of the service account. */
export interface ClientNodeAccess {
  readonly port: number;
  readonly directory: string;
}

/** The port over the official client of JavaScript: what our own adapter is measured against. */
export class ClientNodeApi implements KubernetesApi {
  readonly #config = new KubeConfig();
  readonly #core: CoreV1Api;
  readonly #custom: CustomObjectsApi;
  readonly #names: ApiNames;

  constructor({ port, directory }: ClientNodeAccess, names: ApiNames) {
    this.#names = names;
    this.#config.loadFromClusterAndUser(
      { name: 'c', server: `https://127.0.0.1:${port}`, caFile: `${directory}/ca.crt`, skipTLSVerify: false },
      { name: 'u', authProvider: { name: 'tokenFile', config: { tokenFile: `${directory}/token` } } },
    );
    this.#core = this.#config.makeApiClient(CoreV1Api);
    this.#custom = this.#config.makeApiClient(CustomObjectsApi);
  }

  readCluster(signal: AbortSignal): Promise<ApiObject> {
    return this.#ask(signal, () =>
      this.#custom.getNamespacedCustomObject(
        { ...this.#clusters, name: this.#names.cluster },
        options(signal),
      ),
    );
  }

  watchCluster({ onObject, onTrouble }: ClusterWatcher): () => void {
    const fieldSelector = `metadata.name=${this.#names.cluster}`;
    let isStopped = false;
    const list = async () => {
      const found = (await this.#custom.listNamespacedCustomObject({
        ...this.#clusters,
        fieldSelector,
      })) as KubernetesListObject<KubernetesObject>;
      if (found.items.length === 0 && !isStopped) onObject(undefined);
      return found;
    };
    const path = apiPaths(this.#names).clusterList.replace(/\?.*/, '');
    const informer = new ListWatch(path, new Watch(this.#config), list, false, undefined, fieldSelector);
    let failures = 0;
    let timer: NodeJS.Timeout | undefined;
    // It goes on telling when it is stopped while a watch begins.
    const heard = (object: ApiObject | undefined) => {
      failures = 0;
      if (!isStopped) onObject(object);
    };
    informer.on('add', (object) => heard(object as ApiObject));
    informer.on('update', (object) => heard(object as ApiObject));
    informer.on('delete', () => heard(undefined));
    // It stops at every error but one: whoever wants to go on has to start it again.
    informer.on('error', (error: unknown) => {
      if (isStopped) return;
      if (failures === 0) onTrouble(error as Error);
      timer = setTimeout(() => void informer.start(), backoff(failures, Math.random()));
      failures += 1;
    });
    void informer.start();
    return () => {
      isStopped = true;
      clearTimeout(timer);
      void informer.stop();
    };
  }

  patchClusterStatus(body: StatusPatch, signal: AbortSignal): Promise<ApiObject> {
    const named = { ...this.#clusters, name: this.#names.cluster, body };
    return this.#ask(signal, () =>
      this.#custom.patchNamespacedCustomObjectStatus(named, options(signal, mergePatch)),
    );
  }

  readLease(signal: AbortSignal): Promise<LeaseObject> {
    const { namespace, cluster: name } = this.#names;
    return this.#ask(signal, () =>
      this.#custom.getNamespacedCustomObject({ ...leases, namespace, name }, options(signal)),
    );
  }

  replaceLease(body: LeaseObject, signal: AbortSignal): Promise<LeaseObject> {
    const { namespace, cluster: name } = this.#names;
    return this.#ask(signal, () =>
      this.#custom.replaceNamespacedCustomObject({ ...leases, namespace, name, body }, options(signal)),
    );
  }

  readFailoverQuorum(signal: AbortSignal): Promise<QuorumObject> {
    const named = { ...this.#clusters, plural: 'failoverquorums', name: this.#names.cluster };
    return this.#ask(signal, () => this.#custom.getNamespacedCustomObject(named, options(signal)));
  }

  replaceFailoverQuorumStatus(body: QuorumObject, signal: AbortSignal): Promise<QuorumObject> {
    const named = { ...this.#clusters, plural: 'failoverquorums', name: this.#names.cluster, body };
    return this.#ask(signal, () => this.#custom.replaceNamespacedCustomObjectStatus(named, options(signal)));
  }

  readSecret(name: string, signal: AbortSignal): Promise<SecretObject> {
    const { namespace } = this.#names;
    return this.#ask(signal, () => this.#core.readNamespacedSecret({ namespace, name }, options(signal)));
  }

  readConfigMap(name: string, signal: AbortSignal): Promise<ConfigMapObject> {
    const { namespace } = this.#names;
    return this.#ask(signal, () => this.#core.readNamespacedConfigMap({ namespace, name }, options(signal)));
  }

  createEvent(event: EventObject, signal: AbortSignal): Promise<ApiObject> {
    const { namespace } = this.#names;
    const body = withDates(event) as CoreV1Event;
    return this.#ask(signal, () => this.#core.createNamespacedEvent({ namespace, body }, options(signal)));
  }

  patchEvent(name: string, patch: Partial<EventObject>, signal: AbortSignal): Promise<ApiObject> {
    const { namespace } = this.#names;
    return this.#ask(signal, () =>
      this.#core.patchNamespacedEvent({ namespace, name, body: patch }, options(signal, mergePatch)),
    );
  }

  /** There is nothing to close: the client makes a new connection for every request, and keeps none that it could name. */
  close(): void {}

  get #clusters() {
    const { group, namespace } = this.#names;
    return { group, namespace, version: 'v1', plural: 'clusters' };
  }

  async #ask<T>(signal: AbortSignal, request: () => Promise<unknown>): Promise<T> {
    try {
      return (await request()) as T;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ApiException)) throw new ApiError(String(error), {}, { cause: error });
      const { code, body, headers } = error as ApiException<unknown>;
      // Of some answers it throws the body away.
      const text = typeof body === 'string' ? body : JSON.stringify(body ?? {});
      throw errorOf('request', code, text, headers['retry-after']);
    }
  }
}

/** The client has an option neither for a signal nor for the kind of a patch. */
function options(signal: AbortSignal, contentType?: string): ConfigurationOptions<ObservableMiddleware> {
  const pre = (request: RequestContext) => {
    request.setSignal(signal);
    if (contentType !== undefined) request.setHeaderParam('Content-Type', contentType);
    return new Observable(Promise.resolve(request));
  };
  const post = (response: ResponseContext) => new Observable(Promise.resolve(response));
  return { middleware: [{ pre, post }], middlewareMergeStrategy: 'append' };
}

/** The client writes dates, and takes nothing else. */
function withDates({ firstTimestamp, lastTimestamp, ...event }: EventObject): object {
  return { ...event, firstTimestamp: new Date(firstTimestamp), lastTimestamp: new Date(lastTimestamp) };
}
