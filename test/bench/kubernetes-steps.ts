import type { KubernetesApi } from '../../src/kubernetes/api.ts';
import { HttpsApi } from '../../src/kubernetes/https-api.ts';
import { HttpsConnection } from '../../src/kubernetes/https-connection.ts';
import { inClusterAccess } from '../../src/kubernetes/in-cluster.ts';
import { ClientNodeApi } from '../kubernetes/client-node-api.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import type { Pod } from '../support/pod.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { manager, withControlPlane } from './kubernetes-place.ts';
import { percentile, type Row, spread } from './support.ts';

const never = new AbortController().signal;
const contentType = 'application/merge-patch+json';
/** Milliseconds. */
const targets = { p50: 20, p99: 100 } as const;
const switchovers = 20;

/**
 * From the moment in which a patch of the Cluster is handed to a connection that stands until the log line of the step that
 * it leads to has come back to this process. In it: the API server and its etcd, the watch through a relay in this process,
 * the decision, and the way of the line. Not in it: what the step then does.
 */
export function measureSteps(patches: number): Promise<Row[]> {
  return withControlPlane(async (plane) => {
    const cluster = await PodCluster.running(plane, { instances: 2, container: { manager } });
    await cluster.healthy();
    const operator = new Operator(plane, cluster.path);
    const steps = await fenceAgainAndAgain(cluster, operator, patches / 2);
    const moves = await switchAgainAndAgain(cluster, operator);
    const events = {
      ours: await watchAgainAndAgain(cluster, operator, patches, ourApi),
      theirs: await watchAgainAndAgain(cluster, operator, patches, theirApi),
    };
    operator.close();
    const p99 = percentile(events.ours, 0.99);
    return [
      ...stepRows('fence or unfence of a standby patched -> its step', steps),
      medianRow('target patched -> stop of the old primary', moves),
      {
        name: 'status patched -> watch event in the adapter, p50; beside: client-node',
        ...{ manager: spread(events.ours), bare: spread(events.theirs), unit: 'ms', target: '', met: true },
      },
      {
        name: 'the same, p99',
        ...{ manager: single(p99), bare: single(percentile(events.theirs, 0.99)), unit: 'ms' },
        ...{ target: '', met: true },
      },
    ];
  });
}

function stepRows(name: string, times: readonly number[]): Row[] {
  const p99 = percentile(times, 0.99);
  const target = `<= ${targets.p99}`;
  return [
    medianRow(`${name}, p50`, times),
    { name: 'the same, p99', manager: single(p99), unit: 'ms', target, met: p99 <= targets.p99 },
  ];
}

function medianRow(name: string, times: readonly number[]): Row {
  const manager = spread(times);
  return { name, manager, unit: 'ms', target: `<= ${targets.p50}`, met: manager.median <= targets.p50 };
}

const single = (value: number) => spread([value]);

/** Patches over a connection that is kept, as an operator does. */
export class Operator {
  readonly #connection: HttpsConnection;
  readonly #path: string;

  constructor({ admin, port, ca }: ControlPlane, path: string) {
    const access = { host: '127.0.0.1', port, ca: () => ca, token: () => admin.token };
    this.#connection = new HttpsConnection(access);
    this.#path = path;
  }

  /** Fences these and no others. */
  async fence(names: readonly string[]): Promise<void> {
    const value = names.length === 0 ? null : JSON.stringify(names);
    await this.#patch(this.#path, { metadata: { annotations: { 'cnpg.io/fencedInstances': value } } });
  }

  async patchStatus(status: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#patch(`${this.#path}/status`, { status });
  }

  close(): void {
    this.#connection.close();
  }

  #patch(path: string, body: object): Promise<unknown> {
    return this.#connection.ask({ method: 'PATCH', path, body, contentType }, never);
  }
}

/** Resolves with the time at which the line of a step comes. */
function lineOf(pod: Pod, step: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  pod.onLine = ({ msg }) => {
    if (msg === `alignment: ${step}`) resolve(performance.now());
  };
  return promise;
}

/** Milliseconds from a patch to the line of the step that it leads to. */
export async function timed(pod: Pod, step: string, patch: () => Promise<void>): Promise<number> {
  const line = lineOf(pod, step);
  const since = performance.now();
  await patch();
  return (await line) - since;
}

async function fenceAgainAndAgain(cluster: PodCluster, operator: Operator, count: number): Promise<number[]> {
  const standby = cluster.pod('c-2');
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const from = standby.lines.length;
    times.push(await timed(standby, 'stop fast', () => operator.fence(['c-2'])));
    await standby.message('alignment: fenced', from);
    times.push(await timed(standby, 'start', () => operator.fence([])));
    await cluster.eventually('the server', async () => (await standby.get('/readyz')).code === 200);
  }
  return times;
}

async function switchAgainAndAgain(cluster: PodCluster, operator: Operator): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < switchovers; run += 1) {
    const old = await cluster.healthy();
    const [next = ''] = cluster.others(old);
    const move = () => operator.patchStatus({ targetPrimary: next });
    times.push(await timed(cluster.pod(old), 'stop fast', move));
    await cluster.untilPrimary(next);
  }
  await cluster.healthy();
  return times;
}

function ourApi({ plane, account, group, namespace, name }: PodCluster): KubernetesApi {
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(plane.port) };
  return new HttpsApi(inClusterAccess(environment, account.directory)!, { group, namespace, cluster: name });
}

function theirApi({ plane, account, group, namespace, name }: PodCluster): KubernetesApi {
  return new ClientNodeApi(
    { port: plane.port, directory: account.directory },
    { group, namespace, cluster: name },
  );
}

async function watchAgainAndAgain(
  cluster: PodCluster,
  operator: Operator,
  count: number,
  open: (cluster: PodCluster) => KubernetesApi,
): Promise<number[]> {
  const api = open(cluster);
  let heard: (reason: string) => void = () => {};
  const stop = api.watchCluster({
    onObject: (object) => heard((object as { status?: { phaseReason?: string } }).status?.phaseReason ?? ''),
    onTrouble: (error) => process.stderr.write(`${error.message}\n`),
  });
  const times: number[] = [];
  try {
    // The first one waits for the watch to stand.
    for (let run = 0; run <= count; run += 1) {
      const { promise, resolve } = Promise.withResolvers<number>();
      const wanted = `${run}`;
      heard = (reason) => {
        if (reason === wanted) resolve(performance.now());
      };
      const since = performance.now();
      await operator.patchStatus({ phaseReason: wanted });
      const took = (await promise) - since;
      if (run > 0) times.push(took);
    }
  } finally {
    stop();
    api.close();
  }
  return times;
}
