/** What the monitor asks all the time on its own session: who this server is at the moment. */
export const roleQuery =
  'SELECT pg_is_in_recovery() AS standby, false AS receiving, NULL AS received, NULL AS streaming';

/**
 * The same with the instances around this one. A base backup (contract 04, 3.7) streams WAL as well, and is none.
 */
export const sharedRoleQuery = `
SELECT pg_is_in_recovery() AS standby, EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving,
       GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text AS received,
       (SELECT array_agg(application_name::text ORDER BY application_name) FROM pg_stat_replication
        WHERE state = 'streaming' AND application_name NOT LIKE '%-join') AS streaming`;

export interface RoleRow {
  readonly standby: boolean;
  readonly receiving: boolean;
  /** Position; null on a primary. */
  readonly received: string | null;
  /** Names of standbys; null without any. */
  readonly streaming: string[] | null;
}
