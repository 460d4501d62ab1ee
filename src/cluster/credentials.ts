import type { Cluster } from './cluster.ts';

/** A role whose password a Secret holds. */
export interface Credential {
  readonly role: string;
  /** Undefined: the role is to have none. */
  readonly secret: string | undefined;
}

/**
 * Who logs in with a password that a Secret holds (contract 03, 3.18): the superuser, who has none unless it is wanted, and
 * the owner of the application's database.
 */
export function credentialsOf({ metadata, spec }: Cluster): readonly Credential[] {
  const { name } = metadata;
  const superuser =
    spec.enableSuperuserAccess === true ? (spec.superuserSecret?.name ?? `${name}-superuser`) : undefined;
  const { recovery, pg_basebackup, initdb } = spec.bootstrap ?? {};
  const chosen = [recovery, pg_basebackup, initdb].find((part) => part !== undefined);
  const owner = chosen?.owner ?? chosen?.database;
  const named = [recovery, pg_basebackup, initdb].map((part) => part?.secret?.name).find(Boolean);
  const application =
    owner === undefined || owner === '' ? [] : [{ role: owner, secret: named ?? `${name}-app` }];
  return [{ role: 'postgres', secret: superuser }, ...application];
}
