/** Why a standby does not get on with the WAL of its source. */
export type RecoveryTrouble =
  /** The source no longer has the WAL that comes next. */
  | 'wal removed'
  /** The source is, or has come, on a timeline of which this standby's WAL is no part. */
  | 'timeline forked'
  /** The standby has more WAL than its source: the source has lost some, or is the wrong one. */
  | 'ahead of source'
  /** The slot named in primary_slot_name is missing or may not be used any more. */
  | 'no such slot'
  | 'slot in use'
  | 'other system'
  /** The source cannot be reached, refuses or has gone. */
  | 'connection';

/**
 * Messages in the C locale, of 13 to 18, compared with the programs of 14 to 18 and mostly seen with 15. What the source
 * answered stands behind "could not start WAL streaming: ERROR: " and "could not receive data from WAL stream: ERROR: ",
 * so the first that fits decides.
 */
const troubles: ReadonlyArray<readonly [RegExp, RecoveryTrouble]> = [
  [/requested WAL segment \S+ has already been removed/, 'wal removed'],
  // 18 refuses the slot itself, with the reason in its detail.
  [/can no longer access replication slot[\s\S]*"wal_removed"/, 'wal removed'],
  [/can no longer access replication slot/, 'no such slot'],
  [/replication slot ".*" does not exist/, 'no such slot'],
  [/replication slot ".*" is active for PID/, 'slot in use'],
  [/database system identifier differs between the primary and standby/, 'other system'],
  [/highest timeline \d+ of the primary is behind recovery timeline/, 'timeline forked'],
  [/new timeline \d+ forked off (from )?current database system timeline/, 'timeline forked'],
  [/new timeline \d+ is not a child of database system timeline/, 'timeline forked'],
  [/requested timeline \d+ (is not a child of|does not contain minimum recovery point)/, 'timeline forked'],
  [/requested starting point \S+ on timeline \d+ is not in this server's history/, 'timeline forked'],
  [/requested starting point \S+ is ahead of the WAL flush position/, 'ahead of source'],
];

/** SQLSTATE class 08, connection exception; 13 does not set it everywhere. */
const connectionClass = '08';
const connectionMessages =
  /^(could not (connect to the primary server|receive (data|database system|timeline history)|send data to WAL stream)|terminating walreceiver due to timeout)/;

/**
 * Names the trouble that a record of a standby's log tells of. Only the WAL receiver and the startup process are heard:
 * a walsender of a standby complains in the same words about somebody else.
 *
 * `connection` passes by itself. All others may, too, while the primary changes: they are a reason to compare the
 * histories (src/postgres/kinship.ts), not to act.
 *
 * @param backendType of the log record
 * @param sqlState five letters
 * @returns undefined when the record tells of none of them
 */
export function classifyRecoveryTrouble(
  backendType: string,
  sqlState: string,
  message: string,
): RecoveryTrouble | undefined {
  if (backendType !== 'walreceiver' && backendType !== 'startup') return undefined;
  for (const [pattern, trouble] of troubles) {
    if (pattern.test(message)) return trouble;
  }
  if (backendType !== 'walreceiver') return undefined;
  const isConnection = sqlState.startsWith(connectionClass) || connectionMessages.test(message);
  return isConnection ? 'connection' : undefined;
}
