import type { Cluster } from '../cluster/cluster.ts';
import { promotion } from '../cluster/requests.ts';
import { ManagerError } from '../errors/manager-error.ts';
import type { ForcibleOptions } from './cluster-options.ts';
import { followRequest, writeRequest } from './cluster-request.ts';

/**
 * Makes an instance the target, if it streams or with --force, and follows the Cluster until it is the primary.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED, WAIT_TIMEOUT; CLUSTER_CONFLICT when somebody chooses another one meanwhile
 */
export async function promoteInstance(instance: string, options: ForcibleOptions): Promise<void> {
  const { source, before } = await writeRequest(options, (cluster) =>
    promotion(cluster, instance, { now: Date.now(), isForced: options.force === true }),
  );
  const from = before.status?.targetPrimary ?? '';
  const said = `${instance} is the target now${from === '' ? '' : `, instead of ${from}`}`;
  const what = `${instance} to be the primary`;
  await followRequest({ source, before, said, what, isDone }, options);

  function isDone({ status }: Cluster): boolean {
    if (status?.targetPrimary !== instance) {
      const target = status?.targetPrimary ?? 'nobody';
      throw new ManagerError('CLUSTER_CONFLICT', `${target} has become the target instead of ${instance}`);
    }
    return status.currentPrimary === instance;
  }
}
