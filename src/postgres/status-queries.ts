import type { StandbySetting } from './control-file.ts';

/**
 * What `/pg/status` asks of the server (contract 02, 6.2 and 6.3). Every name is qualified by the pinned
 * search_path; functions that fail in recovery stand behind a CASE, which PostgreSQL evaluates lazily.
 */

const utc = (expression: string) =>
  `CASE WHEN ${expression} IS NULL THEN '-infinity' ` +
  `ELSE to_char(${expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END`;

/** Parameters whose decrease a standby must not see before its primary (contract 02, 6.2 step 5). */
const standbySettings = [
  'max_connections',
  'max_prepared_transactions',
  'max_wal_senders',
  'max_worker_processes',
  'max_locks_per_transaction',
] as const satisfies readonly StandbySetting[];

/** Of what stands on the command line of the server a restart changes nothing: the next one has the same. */
const isPending = "EXISTS (SELECT FROM pg_settings WHERE pending_restart AND source <> 'command line')";
/** What those that wait for a restart would become, by name; null: none of them. */
const decreases = `(
         SELECT json_object_agg(name, wanted) FROM (
           SELECT s.name, s.setting, COALESCE(
             (SELECT f.setting FROM pg_file_settings AS f
              WHERE f.name = s.name AND NOT f.applied
              ORDER BY f.seqno DESC LIMIT 1),
             s.boot_val)::numeric AS wanted
           FROM pg_settings AS s
           WHERE s.pending_restart AND s.name IN (${standbySettings.map((name) => `'${name}'`).join(', ')})
         ) AS waiting WHERE wanted < setting::numeric
       )`;

/** Whether a parameter in the files waits for a restart, and whether one of them is such a decrease. */
export const pendingRestartQuery = `SELECT ${isPending} AS pending, ${decreases} IS NOT NULL AS decrease`;

export interface PendingRestartRow {
  readonly pending: boolean;
  readonly decrease: boolean;
}

/** One row for both roles. */
export const instanceQuery = `
SELECT COALESCE(current_setting('cnpg.config_sha256', true), '') AS configuration_hash,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_id,
       (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline,
       role.standby AS standby,
       CASE WHEN NOT role.standby THEN pg_current_wal_lsn()::text END AS current_lsn,
       CASE WHEN NOT role.standby THEN pg_walfile_name(pg_current_wal_lsn()) END AS current_wal,
       CASE WHEN role.standby THEN COALESCE(pg_last_wal_receive_lsn()::text, '') END AS received_lsn,
       CASE WHEN role.standby THEN COALESCE(pg_last_wal_replay_lsn()::text, '') END AS replay_lsn,
       CASE WHEN role.standby THEN pg_is_wal_replay_paused() ELSE false END AS replay_paused,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiver_active,
       ${isPending} AS pending_restart,
       ${decreases} AS decreases,
       COALESCE(a.last_archived_time, '-infinity') > COALESCE(a.last_failed_time, '-infinity') AS archiving,
       COALESCE(a.last_archived_wal, '') AS last_archived_wal,
       ${utc('a.last_archived_time')} AS last_archived_time,
       COALESCE(a.last_failed_wal, '') AS last_failed_wal,
       ${utc('a.last_failed_time')} AS last_failed_time
FROM (SELECT pg_is_in_recovery() AS standby) AS role, pg_stat_archiver AS a`;

/** $1: regular expression that the names of this cluster's standbys match. */
export const replicationQuery = `
SELECT application_name, state, sent_lsn::text, write_lsn::text, flush_lsn::text, replay_lsn::text,
       COALESCE(write_lag, '0'::interval)::text AS write_lag,
       COALESCE(flush_lag, '0'::interval)::text AS flush_lag,
       COALESCE(replay_lag, '0'::interval)::text AS replay_lag,
       sync_state, sync_priority::text
FROM pg_stat_replication
WHERE application_name ~ $1 AND usename = 'streaming_replica'`;

export const slotQuery = `
SELECT slot_name, plugin, slot_type, datoid::text, database, xmin::text, catalog_xmin::text,
       restart_lsn::text, wal_status, safe_wal_size::text, active
FROM pg_replication_slots`;

export const baseBackupQuery = `
SELECT COALESCE(a.usename, '') AS usename, a.application_name, a.backend_start::text, p.phase,
       COALESCE(p.backup_total, 0)::text AS backup_total, COALESCE(p.backup_streamed, 0)::text AS backup_streamed,
       COALESCE(pg_size_pretty(p.backup_total), '') AS backup_total_pretty,
       COALESCE(pg_size_pretty(p.backup_streamed), '') AS backup_streamed_pretty,
       COALESCE(p.tablespaces_total, 0)::text AS tablespaces_total,
       COALESCE(p.tablespaces_streamed, 0)::text AS tablespaces_streamed
FROM pg_stat_progress_basebackup AS p JOIN pg_stat_activity AS a USING (pid)
WHERE a.application_name LIKE '%-join'
ORDER BY 1, 2`;

export interface InstanceRow {
  readonly configuration_hash: string;
  readonly system_id: string;
  readonly timeline: number;
  readonly standby: boolean;
  readonly current_lsn: string | null;
  readonly current_wal: string | null;
  readonly received_lsn: string | null;
  readonly replay_lsn: string | null;
  readonly replay_paused: boolean;
  readonly receiver_active: boolean;
  readonly pending_restart: boolean;
  /** Parameters of standbySettings that wait for a restart to become less: what they would become. */
  readonly decreases: Readonly<Partial<Record<StandbySetting, number>>> | null;
  readonly archiving: boolean;
  readonly last_archived_wal: string;
  readonly last_archived_time: string;
  readonly last_failed_wal: string;
  readonly last_failed_time: string;
}

export type TextRow = Readonly<Record<string, string | boolean | null>>;

/** Pattern of the names `<cluster>-<number>`; the name itself is taken literally. */
export function standbyNamePattern(cluster: string): string {
  return `${cluster.replace(/[^A-Za-z0-9_-]/g, (character) => `\\${character}`)}-[0-9]+$`;
}
