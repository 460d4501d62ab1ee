import type { Cluster } from '../cluster/cluster.ts';
import { reclone } from '../cluster/requests.ts';
import type { RequestOptions } from './cluster-options.ts';
import { followRequest, writeRequest } from './cluster-request.ts';

/**
 * Asks for a new copy of the primary in the place of an instance's data, and follows the Cluster until its server runs
 * again.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED, WAIT_TIMEOUT
 */
export async function recloneInstance(instance: string, options: RequestOptions): Promise<void> {
  const { source, before } = await writeRequest(options, (cluster) => reclone(cluster, instance, Date.now()));
  const said = `${instance} is asked to put its data aside and to copy the primary anew`;
  let wasAway = false;
  const isDone = ({ status }: Cluster) => {
    const isRunning = status?.instancesReportedState?.[instance]?.phase === 'running';
    wasAway ||= !isRunning;
    return wasAway && isRunning;
  };
  await followRequest({ source, before, said, what: `${instance} to run on a new copy`, isDone }, options);
}
