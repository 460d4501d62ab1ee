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

/** The beginning of global/pg_control, whose layout has been the same from PostgreSQL 11 to 18. */
export interface ControlFile {
  /** Too large for a number: always text. */
  readonly systemIdentifier: string;
  readonly clusterState: ClusterState;
  /** Location of the latest checkpoint record. */
  readonly checkpoint: bigint;
  /** Where replay begins: it moves with every checkpoint and restart point. */
  readonly redo: bigint;
  readonly timeline: number;
}

const headLength = 56;

/**
 * Reads the head of global/pg_control in the byte order of this machine, without starting pg_controldata.
 * Undefined when the bytes are no control file (too short, unknown state, no PostgreSQL control version).
 */
export function parseControlFile(bytes: Uint8Array): ControlFile | undefined {
  if (bytes.length < headLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const controlVersion = view.getUint32(8, true);
  if (controlVersion < 1100 || controlVersion > 9999) return undefined;
  const clusterState = clusterStates[view.getInt32(16, true)];
  if (clusterState === undefined) return undefined;
  return {
    systemIdentifier: view.getBigUint64(0, true).toString(),
    clusterState,
    checkpoint: view.getBigUint64(32, true),
    redo: view.getBigUint64(40, true),
    timeline: view.getUint32(48, true),
  };
}
