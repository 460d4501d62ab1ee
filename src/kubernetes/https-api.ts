import type { ApiNames, ClusterWatcher, KubernetesApi, StatusPatch } from './api.ts';
import { ClusterWatch } from './cluster-watch.ts';
import { HttpsConnection } from './https-connection.ts';
import type { ApiAccess } from './in-cluster.ts';
import type {
  ApiObject,
  ConfigMapObject,
  EventObject,
  LeaseObject,
  QuorumObject,
  SecretObject,
} from './objects.ts';
import { apiPaths } from './paths.ts';

/** Seconds that a watch is asked to last; between these, so that instances do not all begin theirs anew at once. */
const watchSeconds = { least: 300, most: 600 } as const;
/** Content type of RFC 7396. */
const mergePatch = 'application/merge-patch+json';

interface ListObject {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly ApiObject[];
}

/** The API over node:https. README, Decisions, has what it was measured against. */
export class HttpsApi implements KubernetesApi {
  readonly #connection: HttpsConnection;
  readonly #paths: ReturnType<typeof apiPaths>;

  constructor(access: ApiAccess, names: ApiNames) {
    this.#connection = new HttpsConnection(access);
    this.#paths = apiPaths(names);
  }

  readCluster(signal: AbortSignal): Promise<ApiObject> {
    return this.#get(this.#paths.cluster, signal);
  }

  watchCluster(watcher: ClusterWatcher): () => void {
    const paths = this.#paths;
    const watch = new ClusterWatch(
      {
        list: async (signal) => {
          const { items, metadata } = await this.#get<ListObject>(paths.clusterList, signal);
          return { items, resourceVersion: metadata.resourceVersion };
        },
        watch: (version, listener, signal) => {
          const { least, most } = watchSeconds;
          const seconds = Math.round(least + Math.random() * (most - least));
          const path = paths.clusterWatch(version, seconds);
          return this.#connection.follow({ method: 'GET', path }, listener, signal);
        },
      },
      watcher,
    );
    watch.start();
    return () => watch.stop();
  }

  patchClusterStatus(patch: StatusPatch, signal: AbortSignal): Promise<ApiObject> {
    return this.#merge(this.#paths.clusterStatus, patch, signal);
  }

  readLease(signal: AbortSignal): Promise<LeaseObject> {
    return this.#get(this.#paths.lease, signal);
  }

  replaceLease(lease: LeaseObject, signal: AbortSignal): Promise<LeaseObject> {
    return this.#connection.ask({ method: 'PUT', path: this.#paths.lease, body: lease }, signal);
  }

  readFailoverQuorum(signal: AbortSignal): Promise<QuorumObject> {
    return this.#get(this.#paths.quorum, signal);
  }

  replaceFailoverQuorumStatus(quorum: QuorumObject, signal: AbortSignal): Promise<QuorumObject> {
    const path = `${this.#paths.quorum}/status`;
    return this.#connection.ask({ method: 'PUT', path, body: quorum }, signal);
  }

  readSecret(name: string, signal: AbortSignal): Promise<SecretObject> {
    return this.#get(this.#paths.secret(name), signal);
  }

  readConfigMap(name: string, signal: AbortSignal): Promise<ConfigMapObject> {
    return this.#get(this.#paths.configMap(name), signal);
  }

  createEvent(event: EventObject, signal: AbortSignal): Promise<ApiObject> {
    return this.#connection.ask({ method: 'POST', path: this.#paths.events, body: event }, signal);
  }

  patchEvent(name: string, patch: Partial<EventObject>, signal: AbortSignal): Promise<ApiObject> {
    return this.#merge(this.#paths.event(name), patch, signal);
  }

  close(): void {
    this.#connection.close();
  }

  #get<T>(path: string, signal: AbortSignal): Promise<T> {
    return this.#connection.ask({ method: 'GET', path }, signal);
  }

  #merge(path: string, body: unknown, signal: AbortSignal): Promise<ApiObject> {
    return this.#connection.ask({ method: 'PATCH', path, contentType: mergePatch, body }, signal);
  }
}
