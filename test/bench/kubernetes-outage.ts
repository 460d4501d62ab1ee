import { PodCluster } from '../support/pod-cluster.ts';
import { manager, withControlPlane } from './kubernetes-place.ts';
import { Operator, timed } from './kubernetes-steps.ts';
import { type Row, spread } from './support.ts';

/** Milliseconds. */
const target = 1_000;
/** Milliseconds without an API server: every attempt to reach it waits for as long as it ever does. */
const outage = 5_000;

/**
 * From the moment in which an API server that was killed and started again calls itself ready until the log line of the step
 * that a patch made in that moment leads to: what an instance then waits for, the watch, is what comes back last.
 */
export function measureOutage(runs: number): Promise<Row[]> {
  return withControlPlane(async (plane) => {
    const cluster = await PodCluster.running(plane, { instances: 2, container: { manager } });
    await cluster.healthy();
    const operator = new Operator(plane, cluster.path);
    const standby = cluster.pod('c-2');
    const restartServer = async () => {
      await plane.stopServer('SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, outage));
      await plane.startServer();
    };
    const times: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      await restartServer();
      const from = standby.lines.length;
      times.push(await timed(standby, 'stop fast', () => operator.fence(['c-2'])));
      await standby.message('alignment: fenced', from);
      await operator.fence([]);
      await cluster.healthy();
    }
    operator.close();
    const figures = spread(times);
    const name = 'API server back, fence of a standby patched -> its step (all of them)';
    const met = figures.max <= target;
    return [{ name, manager: figures, unit: 'ms', target: `<= ${target}`, met }];
  });
}
