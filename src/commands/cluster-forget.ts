import type { Cluster } from '../cluster/cluster.ts';
import { forget } from '../cluster/requests.ts';
import { ManagerError } from '../errors/manager-error.ts';
import type { ForcibleOptions } from './cluster-options.ts';
import { followRequest, writeRequest } from './cluster-request.ts';

/**
 * Takes an instance that is gone for good out of the status, and follows the Cluster until the primary keeps no slot, and so
 * no WAL, for it any more.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED, WAIT_TIMEOUT; CLUSTER_CONFLICT when it is still there
 */
export async function forgetInstance(instance: string, options: ForcibleOptions): Promise<void> {
  const { source, before } = await writeRequest(options, (cluster) =>
    forget(cluster, instance, { now: Date.now(), isForced: options.force === true }),
  );
  const said = `${instance} is forgotten; its data directory is left as it is`;
  const isDone = ({ status }: Cluster) => {
    if (status?.instanceNames?.includes(instance) === true) {
      throw new ManagerError(
        'CLUSTER_CONFLICT',
        `${instance} is still there, and has registered itself again`,
      );
    }
    return status?.forgetRequests?.[instance] === undefined;
  };
  const what = `the primary to keep no slot for ${instance}`;
  await followRequest({ source, before, said, what, isDone }, options);
}
