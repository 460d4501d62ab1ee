import type { Cluster } from '../cluster/cluster.ts';
import { reclone } from '../cluster/requests.ts';
import type { RequestOptions } from './cluster-options.ts';
import { followRequest, openCluster, soon } from './cluster-request.ts';

/**
 * Asks for a new copy of the primary in the place of an instance's data, and follows the Cluster until its server runs
 * again.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED, WAIT_TIMEOUT
 */
export async function recloneInstance(instance: string, options: RequestOptions): Promise<void> {
  const source = await openCluster(options);
  const { cluster } = await source.read(soon());
  let before = cluster;
  await source.updateStatus((status) => {
    before = { ...cluster, status };
    return reclone(before, instance, Date.now());
  }, soon());
  const said = `${instance} is asked to put its data aside and to copy the primary anew`;
  let wasAway = false;
  const isDone = ({ status }: Cluster) => {
    const isRunning = status?.instancesReportedState?.[instance]?.phase === 'running';
    wasAway ||= !isRunning;
    return wasAway && isRunning;
  };
  await followRequest({ source, before, said, what: `${instance} to run on a new copy`, isDone }, options);
}
