import { mightBePrimary } from '../alignment/data-role.ts';
import type { DataRole } from '../alignment/facts.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterStatus } from './status.ts';

/** An instance of a Cluster that no operator looks after, as far as it matters for who is the first primary. */
export interface FounderFacts {
  readonly name: string;
  /** What PGDATA holds (src/instance/data-role.ts). */
  readonly data: DataRole;
  /** Its server runs, and says that it is a primary. */
  readonly isServing: boolean;
}

/**
 * Whether an instance may choose itself while nobody is chosen, as soon as it holds the lease, which keeps it from doing so
 * beside a primary that runs. With the operator the instance called -1 founds a Cluster. Here the status may also have been
 * lost, with a file that was saved without it, and then the primary stays who it is:
 *
 * - who serves as a primary, with the lease, is it;
 * - data of a primary without a server counts when all instances of the spec have registered, and nobody else holds such
 *   data: of an old primary and a later one the files do not tell which is which;
 * - an instance without data makes a new database only as -1, and only if nobody has said that he holds data.
 */
export function isCandidate(
  cluster: Pick<Cluster, 'metadata' | 'spec'>,
  status: ClusterStatus,
  { name, data, isServing }: FounderFacts,
): boolean {
  const { currentPrimary = '', targetPrimary = '', instancesReportedState = {} } = status;
  if (targetPrimary !== '' || (currentPrimary !== '' && currentPrimary !== name)) return false;
  const others = Object.entries(instancesReportedState).filter(([other]) => other !== name);
  switch (data) {
    case 'empty': {
      const isNew = currentPrimary === '' && others.every(([, state]) => (state.data ?? 'empty') === 'empty');
      return isNew && name === `${cluster.metadata.name}-1`;
    }
    case 'primary': {
      if (isServing) return true;
      const haveAllRegistered = others.length + 1 >= (cluster.spec.instances ?? 1);
      return (
        haveAllRegistered && others.every(([, { data: held }]) => held !== undefined && !mightBePrimary(held))
      );
    }
    default:
      return false;
  }
}
