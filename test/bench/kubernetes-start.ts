import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Pod } from '../support/pod.ts';
import { PodCluster } from '../support/pod-cluster.ts';
import { loopbackOf } from '../support/pod-network.ts';
import { manager, withControlPlane } from './kubernetes-place.ts';
import { bin, identity, letsIn, type Row, spread } from './support.ts';

/** Milliseconds above a bare server. */
const extra = 250;
/** Tells when the program that follows is executed, so that the making of the Pod is not in any figure. */
const stamped = ['sh', '-c', 'date +%s%3N >&2; exec "$@"', 'sh'];

interface Start {
  /** Milliseconds from exec to the first session that is let in. */
  readonly took: number;
  /** Milliseconds of it in which the API server had a request of this instance and had not answered it. */
  readonly api: number;
}

/**
 * A container that starts on an existing data directory, again and again, in turns with a bare server in a Pod of the same
 * kind. The time that the API server takes for its answers is told by its own audit log; the ways are the manager's.
 */
export function measureStartInKubernetes(runs: number): Promise<Row[]> {
  return withControlPlane(async (plane) => {
    const container = { command: [...stamped, ...manager, 'instance', 'run', '--status-port-tls'] };
    const cluster = await PodCluster.running(plane, { instances: 2, container });
    await cluster.healthy();
    const alone = bareIn(cluster);
    const starts = { primary: [] as Start[], standby: [] as Start[], bare: [] as number[] };
    try {
      for (let run = 0; run < runs; run += 1) {
        starts.standby.push(await startOf(cluster, cluster.pod('c-2')));
        starts.primary.push(await startOf(cluster, cluster.pod('c-1')));
        starts.bare.push(await acceptance(alone));
        await alone.stop();
      }
    } finally {
      await alone.kill();
    }
    return [...rows('primary', starts.primary, starts.bare), ...rows('standby', starts.standby, starts.bare)];
  });
}

function rows(role: string, starts: readonly Start[], alone: readonly number[]): Row[] {
  const bare = spread(alone);
  const took = spread(starts.map((start) => start.took));
  const api = spread(starts.map((start) => start.api));
  const own = spread(starts.map((start) => start.took - start.api));
  const unit = 'ms';
  return [
    {
      name: `exec of a ${role} to first accepted connection`,
      manager: took,
      bare,
      unit,
      target: '',
      met: true,
    },
    { name: 'of it waiting for answers of the API server', manager: api, unit, target: '', met: true },
    {
      name: 'without these',
      manager: own,
      bare,
      unit,
      target: `<= bare + ${extra} ms`,
      met: own.median <= bare.median + extra,
    },
  ];
}

async function startOf(cluster: PodCluster, pod: Pod): Promise<Start> {
  await cluster.healthy();
  await pod.stop();
  const since = Date.now();
  const took = await acceptance(pod);
  return { took, api: answering(cluster, pod, since, Date.now()) };
}

/** Starts a container and waits until it lets somebody in. */
async function acceptance(pod: Pod): Promise<number> {
  pod.text = '';
  pod.start();
  const end = Date.now() + 60_000;
  while (!(await letsIn(5432, pod.address.address))) {
    if (Date.now() > end) throw new Error(`no session within 60 s\n${pod.report()}`);
  }
  return Date.now() - Number.parseInt(pod.text, 10);
}

/** How long at least one request was with the API server. */
function answering({ plane, account }: PodCluster, { address }: Pod, since: number, until: number): number {
  const source = loopbackOf(address.address);
  const spans = plane
    .requestsOf(account)
    .filter(({ source: from, verb }) => from === source && verb !== 'watch')
    .map(({ at, answeredAt }) => [Date.parse(at), Date.parse(answeredAt)] as const)
    .filter(([at]) => at >= since && at <= until)
    .toSorted(([a], [b]) => a - b);
  let [total, covered] = [0, since];
  for (const [from, to] of spans) {
    total += Math.max(0, Math.min(to, until) - Math.max(from, covered));
    covered = Math.max(covered, to);
  }
  return total;
}

/** A server without a manager, with its data directory, in a Pod beside the others. */
function bareIn(cluster: PodCluster): Pod {
  const home = join(cluster.home, 'bare');
  mkdirSync(home);
  const data = '/var/lib/postgresql/data/pgdata';
  const { uid = 0, gid = 0 } = identity;
  const pod = new Pod({
    ...{ name: 'bare', cluster: cluster.name, namespace: cluster.namespace, home },
    address: cluster.network.addPod(9),
    apiPort: cluster.plane.port,
    account: cluster.account.directory,
    container: {
      command: [
        ...[...stamped, 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'],
        ...[join(bin, 'postgres'), '-D', data, '-c', 'listen_addresses=*', '-k', '/controller'],
      ],
    },
  });
  const outside = join(home, 'data', 'pgdata');
  mkdirSync(outside);
  chownSync(outside, uid, gid);
  chmodSync(outside, 0o700);
  execFileSync(join(bin, 'initdb'), ['-D', outside, '-U', 'postgres'], { ...identity, stdio: 'ignore' });
  appendFileSync(join(outside, 'pg_hba.conf'), 'host all all all trust\n');
  return pod;
}
