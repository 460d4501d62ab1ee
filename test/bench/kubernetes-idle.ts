import type { AuditedRequest } from '../support/audit-log.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import type { Pod } from '../support/pod.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { loopbackOf } from '../support/pod-network.ts';
import { ClusterPlace } from './cluster-place.ts';
import { manager, withControlPlane } from './kubernetes-place.ts';
import { measureWatchers } from './kubernetes-watchers.ts';
import { anonymousMemory, type Row, spread } from './support.ts';

/** MiB, of a manager with the Kubernetes source. */
const memoryTarget = 60;
/** Milliseconds until all that a start has led to is over. */
const settling = 30_000;

/** What instances ask of the API server, and what they use, that have nothing to do; beside them others with a cluster file. */
export function measureIdleInKubernetes(seconds: number): Promise<Row[]> {
  return withControlPlane(async (plane) => {
    const cluster = await PodCluster.running(plane, { instances: 2, container: { manager } });
    await cluster.healthy();
    const files = await ClusterPlace.make(2);
    try {
      await files.startAll();
      await pause(settling);
      const since = Date.now();
      const memory = await watchMemory(cluster, files, seconds);
      const minutes = (Date.now() - since) / 60_000;
      const asked = (pod: Pod) => requestsSince(plane, cluster, pod, since);
      const [primary, standby] = [cluster.pod('c-1'), cluster.pod('c-2')];
      return [
        ...requestRows('idle primary', asked(primary), minutes),
        ...requestRows('idle standby', asked(standby), minutes),
        ...memory,
        ...(await measureWatchers(cluster)),
      ];
    } finally {
      await files.remove();
    }
  });
}

/** Watches that have begun count as well as requests that have been answered. */
function requestsSince(
  plane: ControlPlane,
  { account }: PodCluster,
  { address }: Pod,
  since: number,
): AuditedRequest[] {
  const source = loopbackOf(address.address);
  const isBeginning = ({ verb, stage }: AuditedRequest) => verb !== 'watch' || stage === 'ResponseStarted';
  return plane
    .requestsOf(account)
    .filter(
      (request) => request.source === source && Date.parse(request.at) >= since && isBeginning(request),
    );
}

function requestRows(who: string, asked: readonly AuditedRequest[], minutes: number): Row[] {
  const counts = new Map<string, number>();
  for (const { verb, resource } of asked)
    counts.set(`${verb} ${resource}`, (counts.get(`${verb} ${resource}`) ?? 0) + 1);
  const kinds = [...counts].map(([what, count]) => `${what} ${(count / minutes).toFixed(1)}`).join(', ');
  const perMinute = spread([asked.length / minutes]);
  const isExpected = [...counts.keys()].every(
    (what) => what === 'watch clusters' || what.endsWith(' leases'),
  );
  const name = `${who}, requests to the API (${kinds || 'none'})`;
  return [{ name, manager: perMinute, unit: '/min', target: 'watch, lease', met: isExpected }];
}

async function watchMemory(cluster: PodCluster, files: ClusterPlace, seconds: number): Promise<Row[]> {
  const sampled = {
    primary: { own: [] as number[], file: [] as number[] },
    standby: { own: [] as number[], file: [] as number[] },
  };
  for (let second = 0; second < seconds; second += 1) {
    await pause(1_000);
    for (const [index, role] of (['primary', 'standby'] as const).entries()) {
      sampled[role].own.push(anonymousMemory(cluster.pods[index]!.processOne!) / 1024 / 1024);
      sampled[role].file.push(anonymousMemory(files.pid(files.members[index]!)) / 1024 / 1024);
    }
  }
  return Object.entries(sampled).map(([role, { own, file }]): Row => {
    const used = spread(own);
    return {
      name: `idle ${role}, anonymous memory; beside: the same with a cluster file`,
      ...{ manager: used, bare: spread(file), unit: 'MiB', target: `<= ${memoryTarget}` },
      met: used.median <= memoryTarget,
    };
  });
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
