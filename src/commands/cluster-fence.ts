import type { Cluster } from '../cluster/cluster.ts';
import { fence, fencingAnnotation, unfence } from '../cluster/fencing.ts';
import { checkMember, memberNames } from '../cluster/members.ts';
import type { RequestOptions } from './cluster-options.ts';
import { followRequest, openCluster, soon } from './cluster-request.ts';

/**
 * Fences an instance, or with `*` all, and follows the Cluster until their servers are down.
 *
 * @throws UNKNOWN_INSTANCE, WAIT_TIMEOUT
 */
export async function fenceInstance(instance: string, options: RequestOptions): Promise<void> {
  await changeFence(instance, options, {
    annotation: (cluster) => fence(cluster, instance),
    said: 'fenced',
    what: 'down',
    phases: ['waiting', 'stopped'],
  });
}

/** The same the other way round, until their servers run. */
export async function unfenceInstance(instance: string, options: RequestOptions): Promise<void> {
  await changeFence(instance, options, {
    annotation: (cluster) => unfence(cluster, instance, memberNames(cluster)),
    said: 'not fenced any more',
    what: 'running',
    phases: ['running'],
  });
}

interface Change {
  readonly annotation: (cluster: Cluster) => string | undefined;
  readonly said: string;
  readonly what: string;
  /** In which an instance reports that the change has come about. */
  readonly phases: readonly string[];
}

async function changeFence(instance: string, options: RequestOptions, change: Change): Promise<void> {
  const source = await openCluster(options);
  const { cluster } = await source.read(soon());
  if (instance !== '*') checkMember(cluster, instance);
  let hasChanged = false;
  let before = cluster;
  const set = (found: Cluster) => {
    before = found;
    const value = change.annotation(found);
    hasChanged = value !== undefined;
    return value;
  };
  await source.updateAnnotation(fencingAnnotation(cluster), set, soon());
  const who = instance === '*' ? 'all instances' : instance;
  const is = instance === '*' ? 'are' : 'is';
  const isDone = (found: Cluster) => {
    const names = instance === '*' ? memberNames(found) : [instance];
    return names.every((name) => {
      const state = found.status?.instancesReportedState?.[name];
      return state === undefined || change.phases.includes(state.phase ?? '');
    });
  };
  const said = `${who} ${is} ${change.said}${hasChanged ? '' : '; nothing had to be changed'}`;
  await followRequest({ source, before, said, what: `${who} to be ${change.what}`, isDone }, options);
}
