import { promotion } from '../cluster/requests.ts';
import { ManagerError } from '../errors/manager-error.ts';
import type { ForcibleOptions } from './cluster-options.ts';
import { followRequest, openCluster, soon } from './cluster-request.ts';

/**
 * Makes an instance the target, if it streams or with --force, and follows the Cluster until it is the primary.
 *
 * @throws UNKNOWN_INSTANCE, REQUEST_REFUSED, WAIT_TIMEOUT; CLUSTER_CONFLICT when somebody chooses another one meanwhile
 */
export async function promoteInstance(instance: string, options: ForcibleOptions): Promise<void> {
  const source = await openCluster(options);
  const { cluster } = await source.read(soon());
  let before = cluster;
  await source.updateStatus((status) => {
    before = { ...cluster, status };
    return promotion(before, instance, { now: Date.now(), isForced: options.force === true });
  }, soon());
  const from = before.status?.targetPrimary ?? '';
  const said = `${instance} is the target now${from === '' ? '' : `, instead of ${from}`}`;
  const what = `${instance} to be the primary`;
  await followRequest({ source, before, said, what, isDone }, options);

  function isDone({ status }: typeof cluster): boolean {
    if (status?.targetPrimary !== instance) {
      const target = status?.targetPrimary ?? 'nobody';
      throw new ManagerError('CLUSTER_CONFLICT', `${target} has become the target instead of ${instance}`);
    }
    return status.currentPrimary === instance;
  }
}
