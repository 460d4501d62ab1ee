import { onTestFinished } from 'vitest';
import type { ApiNames, KubernetesApi } from '../../src/kubernetes/api.ts';
import { HttpsApi } from '../../src/kubernetes/https-api.ts';
import { inClusterAccess } from '../../src/kubernetes/in-cluster.ts';
import type { ApiObject } from '../../src/kubernetes/objects.ts';
import type { Admin, Json } from '../support/admin.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import type { InstanceAccount } from '../support/instance-account.ts';
import { secretNamesOf } from '../support/instance-role.ts';
import { eventually } from '../support/manager.ts';
import { ClientNodeApi } from './client-node-api.ts';

export const never = new AbortController().signal;

export interface Adapter {
  readonly name: string;
  readonly open: (access: { port: number; directory: string }, names: ApiNames) => KubernetesApi;
}

export const ours: Adapter = {
  name: 'HttpsApi',
  open: ({ port, directory }, names) => {
    const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
    return new HttpsApi(inClusterAccess(environment, directory)!, names);
  },
};

export const peer: Adapter = {
  name: 'client-node',
  open: (access, names) => new ClientNodeApi(access, names),
};

/**
 * Milliseconds in which whoever watches learns of a change. It tells a machine under load from the limits of 10 s and more after
 * which something else would help; how fast it is, the bench measures.
 */
export const soon = 5_000;

/** What an operator makes before it starts an instance. */
export interface Home {
  readonly names: ApiNames;
  readonly account: InstanceAccount;
  readonly paths: {
    readonly cluster: string;
    readonly lease: string;
    readonly secrets: string;
    readonly events: string;
  };
}

let homes = 0;

/** A namespace with a Cluster of its own, its Lease, its Secrets and its account. */
export async function makeHome(plane: ControlPlane, group: string): Promise<Home> {
  homes += 1;
  const names = { group, namespace: `home-${homes}`, cluster: 'demo' };
  const { namespace, cluster: name } = names;
  const { admin } = plane;
  await plane.createNamespace(namespace);
  const account = await plane.createInstanceAccount(names);
  const clusters = `/apis/${group}/v1/namespaces/${namespace}/clusters`;
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  const [first = ''] = secretNamesOf(name);
  await Promise.all([
    createCluster(admin, names),
    admin.create(leases, { metadata: { name, labels: { from: 'operator' } } }),
    admin.create(`/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name },
      data: { queries: 'none' },
    }),
    admin.create(secrets, { metadata: { name: first }, stringData: { password: 'geheim' } }),
  ]);
  const paths = {
    cluster: `${clusters}/${name}`,
    lease: `${leases}/${name}`,
    secrets,
    events: `/api/v1/namespaces/${namespace}/events`,
  };
  return { names, account, paths };
}

export function createCluster(admin: Admin, { group, namespace, cluster }: ApiNames): Promise<Json> {
  return admin.create(`/apis/${group}/v1/namespaces/${namespace}/clusters`, {
    ...{ apiVersion: `${group}/v1`, kind: 'Cluster', metadata: { name: cluster } },
    spec: { instances: 3, storage: { size: '1Gi' } },
  });
}

/** One adapter at work for one test. */
export function opened(adapter: Adapter, port: number, { account, names }: Home): KubernetesApi {
  const api = adapter.open({ port, directory: account.directory }, names);
  onTestFinished(() => api.close());
  return api;
}

/** A watch that is followed until the test ends. */
export class Watched {
  readonly seen: Array<ApiObject | undefined> = [];
  readonly troubles: Error[] = [];
  readonly stop: () => void;

  constructor(api: KubernetesApi) {
    this.stop = api.watchCluster({
      onObject: (object) => this.seen.push(object),
      onTrouble: (error) => this.troubles.push(error),
    });
    onTestFinished(() => this.stop());
  }

  get last(): Json {
    return this.seen.at(-1);
  }

  /** The phase that was told last. */
  get phase(): string | undefined {
    return this.last?.status?.phase;
  }

  /** Waits until it is told, and returns the milliseconds until then. */
  async sees(phase: string, deadline?: number): Promise<number> {
    const begun = performance.now();
    const said = () => this.troubles.map(({ message }) => message).join('; ');
    await eventually(`the phase ${phase} in the watch`, () => this.phase === phase, deadline).catch(
      (error) => {
        throw new Error(`${(error as Error).message}; last ${this.phase}, troubles: ${said()}`);
      },
    );
    return performance.now() - begun;
  }

  async begun(): Promise<void> {
    await eventually('the first state in the watch', () => this.seen.length > 0);
  }
}

/** What an operator does. */
export async function setPhase(admin: Admin, { paths }: Home, phase: string): Promise<void> {
  await admin.patch(`${paths.cluster}/status`, { status: { phase } });
}
