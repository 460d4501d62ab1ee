import { ManagerError } from '../errors/manager-error.ts';
import { closest } from './closest.ts';
import type { Cluster } from './cluster.ts';

/** Names of all instances that the status knows of, in the order of their numbers. */
export function memberNames({ status }: Pick<Cluster, 'status'>): string[] {
  const names = new Set([
    ...(status?.instanceNames ?? []),
    ...Object.keys(status?.instancesReportedState ?? {}),
    ...Object.values(status?.instancesStatus ?? {}).flat(),
  ]);
  return [...names].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/**
 * Makes sure that an instance is there.
 *
 * @throws UNKNOWN_INSTANCE, with the name that was probably meant
 */
export function checkMember(cluster: Pick<Cluster, 'status'>, instance: string): void {
  const names = memberNames(cluster);
  if (names.includes(instance)) return;
  const similar = closest(instance, names);
  const hint =
    names.length === 0
      ? 'no instance has registered itself yet'
      : similar === undefined
        ? `there are ${names.join(', ')}`
        : `did you mean ${similar}?`;
  throw new ManagerError('UNKNOWN_INSTANCE', `${instance}: ${hint}`);
}
