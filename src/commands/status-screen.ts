/** Answer of /readyz with every reason. */
export interface Readiness {
  readonly ok: boolean;
  readonly reasons: ReadonlyArray<{ readonly code: string; readonly text: string }>;
}

type Row = readonly [label: string, value: unknown];

/**
 * The status as a screen for people.
 *
 * @param status body of /pg/status, or what is there instead of it when the server did not answer
 */
export function renderStatus(status: Readonly<Record<string, unknown>>, readiness: Readiness): string {
  const lines = [`Ready:              ${readiness.ok ? 'yes' : 'no'}`];
  for (const reason of readiness.reasons) lines.push(`  ${reason.code}: ${reason.text}`);
  const own = (status.manager ?? {}) as Record<string, unknown>;
  const pod = status.pod as { metadata?: { name?: string } } | undefined;
  const rows: Row[] = [
    ['Instance', pod?.metadata?.name],
    ['Role', role(status)],
    ...ownRows(own),
    ['Timeline', status.timeLineID],
    ['System identifier', status.systemID],
    ['Current LSN', status.currentLsn],
    ['Current WAL', status.currentWAL],
    ['Received LSN', status.receivedLsn],
    ['Replayed LSN', status.replayLsn],
    ['WAL receiver', role(status) === 'standby' ? yesNo(status.isWalReceiverActive) : undefined],
    ['Pending restart', status.pendingRestart === true ? 'yes' : undefined],
    ['WAL archiving', archiving(status)],
    ['WAL to archive', status.readyWalFiles],
    ['Disk', disk(own.disk)],
    ['Manager', status.instanceManagerVersion],
    ['Session', status.sessionID],
  ];
  for (const [label, value] of rows) {
    if (value !== undefined) lines.push(`${`${label}:`.padEnd(20)}${String(value)}`);
  }
  lines.push(
    ...table('Standbys', status.replicationInfo, [
      'applicationName',
      'state',
      'syncState',
      'replayLsn',
      'replayLag',
    ]),
  );
  lines.push(
    ...table('Slots', status.replicationSlotsInfo, [
      'slotName',
      'slotType',
      'active',
      'restartLsn',
      'walStatus',
    ]),
  );
  return `${lines.join('\n')}\n`;
}

function role(status: Readonly<Record<string, unknown>>): string | undefined {
  if (status.isPrimary === undefined) return undefined;
  return status.isPrimary === true ? 'primary' : 'standby';
}

/** What the instance is doing, and why it waits. */
function ownRows(own: Readonly<Record<string, unknown>>): Row[] {
  const { state, goal, step, why, isRefused, seconds } = (own.alignment ?? {}) as Record<string, unknown>;
  const failures = (own.failures ?? []) as ReadonlyArray<Record<string, unknown>>;
  return [
    ['Phase', own.phase],
    ['Progress', own.progress],
    ['State', state],
    ['Goal', goal],
    ['Step', step],
    [isRefused === true ? 'Refused' : 'Why', why],
    ['Since', seconds === undefined ? undefined : `${seconds} s`],
    ...failures.map(
      (failure): Row => ['Failed', `${failure.step}, ${failure.attempts} times, last: ${failure.error}`],
    ),
  ];
}

function yesNo(value: unknown): string {
  return value === true ? 'yes' : 'no';
}

function archiving(status: Readonly<Record<string, unknown>>): string | undefined {
  if (status.isArchivingWAL === true) return `working, last ${String(status.lastArchivedWAL)}`;
  return status.lastFailedWAL === undefined ? undefined : `failing at ${String(status.lastFailedWAL)}`;
}

function disk(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('walFree' in value)) return undefined;
  return `${(Number(value.walFree) / 1024 ** 3).toFixed(2)} GiB free for WAL`;
}

function table(title: string, rows: unknown, columns: readonly string[]): string[] {
  if (!Array.isArray(rows) || rows.length === 0) return [];
  const cells = [
    columns,
    ...rows.map((row: Record<string, unknown>) => columns.map((column) => String(row[column] ?? ''))),
  ];
  return ['', `${title}:`, ...alignColumns(cells).map((line) => `  ${line}`)];
}

/** Rows of cells as lines in which every column is as wide as its widest cell. */
export function alignColumns(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
