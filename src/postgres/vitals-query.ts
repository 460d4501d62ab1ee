/**
 * What the monitor asks every few seconds on its own session: reads shared memory only, so it answers while the
 * storage hangs. A wait for WAL has the same name in all majors but for capitals; new segments are written too.
 */
export const vitalsQuery = `
SELECT role.standby AS standby,
       CASE WHEN role.standby THEN COALESCE(pg_last_wal_replay_lsn()::text, '') END AS replayed,
       CASE WHEN NOT role.standby THEN pg_current_wal_flush_lsn()::text END AS flushed,
       (SELECT count(*)::int FROM pg_stat_activity
        WHERE wait_event ~* '^wal(init)?(write|sync)$') AS waiting,
       pg_size_bytes(current_setting('wal_segment_size'))::float8 AS wal_segment,
       (SELECT max(pg_wal_lsn_diff(
          CASE WHEN role.standby THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END, restart_lsn))::float8
        FROM pg_replication_slots) AS held_by_slots
FROM (SELECT pg_is_in_recovery() AS standby) AS role`;

export interface VitalsRow {
  readonly standby: boolean;
  readonly replayed: string | null;
  readonly flushed: string | null;
  readonly waiting: number;
  readonly wal_segment: number;
  readonly held_by_slots: number | null;
}
