import type { Instance } from '../world/instance.ts';
import type { World } from '../world/world.ts';

/**
 * Why the Cluster is not as it shall be; undefined when it is: one primary that is announced, serves and holds the lease,
 * and everybody else streams from it. A person must be told only of WAL that is gone from the primary, and of a timeline number
 * that was used twice: nobody here tears or mixes up data but the managers themselves, and they must get out of everything
 * else again.
 */
export function misalignment(world: World): string | undefined {
  const { currentPrimary, targetPrimary } = world.store.cluster;
  if (currentPrimary !== targetPrimary)
    return `the target is ${targetPrimary}, the primary ${currentPrimary || 'nobody'}`;
  const primary = world.instances.find(({ name }) => name === currentPrimary);
  if (primary === undefined) return 'there is no primary';
  if (primary.server?.takesWrites !== true) return `${currentPrimary} takes no writes`;
  if (world.store.lease.holder !== currentPrimary)
    return `the lease is held by ${world.store.lease.holder || 'nobody'}`;
  for (const instance of world.instances) {
    const why = instance === primary ? undefined : whyNotFollowing(instance, primary);
    if (why !== undefined) return `${instance.name} ${why}`;
  }
  return undefined;
}

function whyNotFollowing({ manager, server, directory }: Instance, primary: Instance): string | undefined {
  const isAmbiguous = !manager.rules.sharesHistoryFiles;
  const { state, isRefused, why } = manager.aligner.decision ?? {};
  if (isRefused === true && manager.aligner.running === undefined) {
    // Another primary may have what the one before had removed.
    const isGone = directory.end !== undefined && directory.end.lsn < primary.directory.removedUpTo;
    const isForAPerson =
      (state === 'stranded standby up' && isGone) || (isAmbiguous && state?.startsWith('foreign'));
    return isForAPerson ? undefined : `waits for a person: ${why}`;
  }
  if (server === undefined) return 'is down';
  if (server.role !== 'standby') return `is a ${server.role}`;
  if (server.receiver?.source !== primary.server) return `does not receive from ${primary.name}`;
  return undefined;
}

/** What the instances wait for a person for. */
export function refusals(world: World): string[] {
  return world.instances
    .filter(({ manager }) => manager.aligner.decision?.isRefused === true)
    .map(({ manager }) => manager.aligner.decision?.why ?? '');
}
