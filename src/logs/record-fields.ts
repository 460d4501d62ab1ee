/** Names of the columns of csvlog, in order, as they appear in `record` (contract 02, 10.5). */
export const csvFields = [
  'log_time',
  'user_name',
  'database_name',
  'process_id',
  'connection_from',
  'session_id',
  'session_line_num',
  'command_tag',
  'session_start_time',
  'virtual_transaction_id',
  'transaction_id',
  'error_severity',
  'sql_state_code',
  'message',
  'detail',
  'hint',
  'internal_query',
  'internal_query_pos',
  'context',
  'query',
  'query_pos',
  'location',
  'application_name',
  'backend_type',
  'leader_pid',
  'query_id',
] as const;

/** Numbers of columns that releases write: up to 12, 13, and since 14. */
export const csvColumnCounts: readonly number[] = [23, 24, 26];

/** Keys of jsonlog (PostgreSQL manual, "Using JSON-Format Log Output") that only change their name. */
export const jsonFields: Readonly<Record<string, string>> = {
  timestamp: 'log_time',
  user: 'user_name',
  dbname: 'database_name',
  pid: 'process_id',
  session_id: 'session_id',
  line_num: 'session_line_num',
  ps: 'command_tag',
  session_start: 'session_start_time',
  vxid: 'virtual_transaction_id',
  txid: 'transaction_id',
  error_severity: 'error_severity',
  state_code: 'sql_state_code',
  message: 'message',
  detail: 'detail',
  hint: 'hint',
  internal_query: 'internal_query',
  internal_position: 'internal_query_pos',
  context: 'context',
  statement: 'query',
  cursor_position: 'query_pos',
  application_name: 'application_name',
  backend_type: 'backend_type',
  leader_pid: 'leader_pid',
  query_id: 'query_id',
};

/** csvlog always prints a state; jsonlog leaves out that of a success. */
export const successState = '00000';

/** Beginning of the message of a pgaudit record. */
export const auditTag = 'AUDIT: ';

/** Backends whose records the supervisor wants to see, besides everything FATAL or PANIC. */
export const notableBackends: readonly string[] = ['startup', 'walreceiver', 'postmaster'];

export type ServerRecord = Readonly<Record<string, string>>;

/** Whether a record is handed to the supervisor. */
export function isNotable(record: ServerRecord): boolean {
  const severity = record.error_severity;
  return severity === 'FATAL' || severity === 'PANIC' || notableBackends.includes(record.backend_type ?? '');
}
