import type { ControlDetails } from './control-file.ts';
import { parseLsn } from './lsn.ts';
import type { InstanceRow, TextRow } from './status-queries.ts';

/** Rows of the four queries of status-queries.ts; the last three are empty on a standby. */
export interface StatusRows {
  readonly instance: InstanceRow;
  readonly replication: readonly TextRow[];
  readonly slots: readonly TextRow[];
  readonly baseBackups: readonly TextRow[];
}

/** What the process knows by itself. */
export interface ProcessFacts {
  readonly podName: string;
  readonly version: string;
  readonly mightBeUnavailable: boolean;
  readonly executableHash: string;
  readonly architecture: string;
  readonly sessionId: string;
  /** Segments waiting for the archive; undefined when the directory could not be read. */
  readonly readyWalFiles: number | undefined;
  /** What the primary had by the last WAL that was replayed here; undefined when the control file does not tell. */
  readonly replayed: ControlDetails['settings'] | undefined;
}

type Json = string | number | boolean | undefined | { [key: string]: Json } | Json[];

/**
 * The object that the operator decodes (contract 02, 6.3): keys, types and omissions are protocol. Undefined
 * members vanish in JSON.stringify.
 */
export function statusBody(rows: StatusRows, facts: ProcessFacts): { [key: string]: Json } {
  const row = rows.instance;
  return {
    ...bareStatusBody(facts.podName, facts.version),
    systemID: row.system_id,
    isPrimary: !row.standby,
    timeLineID: row.timeline,
    currentLsn: text(row.current_lsn),
    currentWAL: text(row.current_wal),
    ...(row.standby ? standbyPositions(row) : {}),
    replayPaused: row.replay_paused,
    isWalReceiverActive: row.receiver_active,
    pendingRestart: row.pending_restart && mayRestart(row, facts.replayed),
    pendingRestartForDecrease: row.decreases !== null,
    loadedConfigurationHash: text(row.configuration_hash),
    mightBeUnavailable: facts.mightBeUnavailable,
    isArchivingWAL: row.archiving || undefined,
    lastArchivedWAL: text(row.last_archived_wal),
    lastArchivedWALTime: rfc3339(row.last_archived_time),
    lastFailedWAL: text(row.last_failed_wal),
    lastFailedWALTime: rfc3339(row.last_failed_time),
    readyWalFiles: row.standby ? undefined : facts.readyWalFiles || undefined,
    replicationInfo: list(rows.replication.map(replicationEntry)),
    replicationSlotsInfo: list(rows.slots.map(slotEntry)),
    pgStatBasebackupsInfo: list(rows.baseBackups.map(baseBackupEntry)),
    executableHash: facts.executableHash,
    instanceArch: facts.architecture,
    sessionID: facts.sessionId,
  };
}

/** What is known without a server: the members that are never left out, empty where nobody can tell (contract 02, 6.2). */
export function bareStatusBody(podName: string, version: string): { [key: string]: Json } {
  return {
    pod: { metadata: { name: podName }, spec: { containers: [] }, status: {} },
    node: '',
    isPodReady: false,
    systemID: '',
    isPrimary: false,
    replayPaused: false,
    isWalReceiverActive: false,
    pendingRestart: false,
    pendingRestartForDecrease: false,
    isPgRewindRunning: false,
    mightBeUnavailable: false,
    executableHash: '',
    instanceManagerVersion: version,
    instanceArch: '',
    isInstanceManagerUpgrading: false,
    sessionID: '',
  };
}

/** The name that Go, and so the operator, gives to an architecture of Node. */
export function goArchitecture(nodeArchitecture: string): string {
  return nodeArchitecture === 'x64' ? 'amd64' : nodeArchitecture;
}

/**
 * A standby that was restarted with less than its primary had when the WAL was written would not start: its wish for a restart
 * is told only when it has replayed that the primary has less, too (contract 02, 6.2 step 5).
 */
function mayRestart({ standby, decreases }: InstanceRow, replayed: ProcessFacts['replayed']): boolean {
  if (!standby || decreases === null) return true;
  return objectEntries(decreases).every(([name, wanted]) => replayed?.[name] === wanted);
}

function objectEntries<K extends string, V>(object: Readonly<Partial<Record<K, V>>>): Array<[K, V]> {
  return Object.entries(object) as Array<[K, V]>;
}

/** `receivedLsn` never lies behind `replayLsn`: after replay from an archive nothing was received at all. */
function standbyPositions(row: InstanceRow): { [key: string]: Json } {
  const received = row.received_lsn ?? '';
  const replayed = row.replay_lsn ?? '';
  const behind = (parseLsn(received) ?? 0n) < (parseLsn(replayed) ?? 0n);
  return { receivedLsn: text(behind ? replayed : received), replayLsn: text(replayed) };
}

/** The key `receivedLsn` carries the sent position: a name that the plugin knows (contract 02, 13). */
function replicationEntry(row: TextRow): Json {
  return {
    applicationName: text(row.application_name),
    state: text(row.state),
    receivedLsn: text(row.sent_lsn),
    writeLsn: text(row.write_lsn),
    flushLsn: text(row.flush_lsn),
    replayLsn: text(row.replay_lsn),
    writeLag: text(row.write_lag),
    flushLag: text(row.flush_lag),
    replayLag: text(row.replay_lag),
    syncState: text(row.sync_state),
    syncPriority: text(row.sync_priority),
  };
}

function slotEntry(row: TextRow): Json {
  const safe = row.safe_wal_size;
  return {
    slotName: text(row.slot_name),
    plugin: text(row.plugin),
    slotType: text(row.slot_type),
    datoid: text(row.datoid),
    database: text(row.database),
    xmin: text(row.xmin),
    catalogXmin: text(row.catalog_xmin),
    restartLsn: text(row.restart_lsn),
    walStatus: text(row.wal_status),
    safeWalSize: typeof safe === 'string' ? Number(safe) : undefined,
    active: row.active === true || undefined,
  };
}

/** Snake-case keys that are never left out, numbers as numbers: what the plugin computes its progress from. */
function baseBackupEntry(row: TextRow): Json {
  const numbers = ['backup_total', 'backup_streamed', 'tablespaces_total', 'tablespaces_streamed'];
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, numbers.includes(key) ? Number(value) : (value ?? '')]),
  );
}

function text(value: string | boolean | null | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function list(entries: Json[]): Json[] | undefined {
  return entries.length === 0 ? undefined : entries;
}

/** Trailing zeros of the fraction are cut, as Go writes RFC 3339 (contract 02, 6.4). */
function rfc3339(value: string): string {
  return value.replace(/(\.\d*?)0+Z$/, '$1Z').replace(/\.Z$/, 'Z');
}
