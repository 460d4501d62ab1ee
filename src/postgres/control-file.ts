/** Cluster states of pg_control, in the order of PostgreSQL's enum DBState (catalog/pg_control.h). */
const clusterStates = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const;

export type ClusterState = (typeof clusterStates)[number];

/** global/pg_control as far as it is read. The members but `details` have had the same layout from PostgreSQL 11 to 18. */
export interface ControlFile {
  /** Too large for a number: always text. */
  readonly systemIdentifier: string;
  readonly clusterState: ClusterState;
  /** Location of the latest checkpoint record. */
  readonly checkpoint: bigint;
  /** Where replay begins: it moves with every checkpoint and restart point. */
  readonly redo: bigint;
  readonly timeline: number;
  /** Undefined for a control version whose layout is not known here. */
  readonly details: ControlDetails | undefined;
}

/** What lies behind the copy of the checkpoint record, whose size differs between control versions. */
export interface ControlDetails {
  /** Replay has to come this far before the files are consistent, and has not written any that is newer; 0: no standby. */
  readonly minRecoveryPoint: bigint;
  /** 0 when `minRecoveryPoint` is. */
  readonly minRecoveryPointTimeline: number;
  /** Values on the primary, by the last WAL that was replayed, below which no standby starts (contract 04, 10.3). */
  readonly settings: Readonly<Record<StandbySetting, number>>;
  /** Bytes of a page of WAL. */
  readonly walBlockSize: number;
  /** Bytes of a segment of WAL. */
  readonly walSegmentSize: number;
}

/** Parameters that a standby needs at least as high as its primary (PostgreSQL manual, 27.4.3). */
export type StandbySetting =
  | 'max_connections'
  | 'max_prepared_transactions'
  | 'max_wal_senders'
  | 'max_worker_processes'
  | 'max_locks_per_transaction';

const headLength = 56;
const detailsLength = 232;

/**
 * Versions of PG_CONTROL_VERSION with a CheckPoint of 88 bytes: 13 to 16, 17, 18. 17 put its new member into what had been
 * padding. Compared with pg_control_recovery() of 14 to 18.
 */
const knownVersions = [1300, 1700, 1800];

/**
 * Reads global/pg_control in the byte order of this machine, without starting pg_controldata. Undefined when the bytes
 * are no control file (too short, unknown state, no PostgreSQL control version).
 */
export function parseControlFile(bytes: Uint8Array): ControlFile | undefined {
  if (bytes.length < headLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const controlVersion = view.getUint32(8, true);
  if (controlVersion < 1100 || controlVersion > 9999) return undefined;
  const clusterState = clusterStates[view.getInt32(16, true)];
  if (clusterState === undefined) return undefined;
  const isKnown = knownVersions.includes(controlVersion) && bytes.length >= detailsLength;
  return {
    systemIdentifier: view.getBigUint64(0, true).toString(),
    clusterState,
    checkpoint: view.getBigUint64(32, true),
    redo: view.getBigUint64(40, true),
    timeline: view.getUint32(48, true),
    details: isKnown ? readDetails(view) : undefined,
  };
}

function readDetails(view: DataView): ControlDetails {
  return {
    minRecoveryPoint: view.getBigUint64(136, true),
    minRecoveryPointTimeline: view.getUint32(144, true),
    settings: {
      max_connections: view.getInt32(180, true),
      max_worker_processes: view.getInt32(184, true),
      max_wal_senders: view.getInt32(188, true),
      max_prepared_transactions: view.getInt32(192, true),
      max_locks_per_transaction: view.getInt32(196, true),
    },
    walBlockSize: view.getUint32(224, true),
    walSegmentSize: view.getUint32(228, true),
  };
}
