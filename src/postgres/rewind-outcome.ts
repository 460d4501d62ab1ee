import type { ControlFile } from './control-file.ts';

/** What an attempt of pg_rewind came to. */
export type RewindOutcome =
  | { readonly kind: 'done' }
  /** The directory holds nothing that the source has not: it can follow as it is. */
  | { readonly kind: 'not needed' }
  /** The source was away, or not yet a primary that lets us in: that may be over in a moment, or last. */
  | { readonly kind: 'unreachable'; readonly why: string }
  /** Nothing says that the same call may not succeed in a moment. */
  | { readonly kind: 'try again'; readonly why: string }
  /** The same call will fail again until somebody has changed something. */
  | { readonly kind: 'refused'; readonly why: string; readonly code: RewindRefusal };

export type RewindRefusal = 'REWIND_IMPOSSIBLE' | 'REWIND_NEEDS_WAL' | 'NO_SPACE';

/**
 * Messages of pg_rewind 13 to 18 (pg_rewind.c, parsexlog.c, libpq_source.c, fe_utils/archive.c) and of the server that it
 * starts to complete crash recovery, in the C locale. The first that fits decides.
 *
 * A source that cannot be reached, that is still a standby (13), or that has not granted the functions yet is waited for:
 * nothing in this directory has to change for that. The primary grants them each time it starts (contract 04, 10.5).
 */
const refusals: ReadonlyArray<readonly [RegExp, RewindRefusal]> = [
  [/No space left on device|Disk quota exceeded/, 'NO_SPACE'],
  [/needs to use either data checksums or "?wal_log_hints/, 'REWIND_IMPOSSIBLE'],
  [/clusters are from different systems/, 'REWIND_IMPOSSIBLE'],
  [/clusters are not compatible with this version of pg_rewind/, 'REWIND_IMPOSSIBLE'],
  [/could not find common ancestor of the source and target cluster's timelines/, 'REWIND_IMPOSSIBLE'],
  [/full_page_writes must be enabled in the source server/, 'REWIND_IMPOSSIBLE'],
  [/is of different type in source and target/, 'REWIND_IMPOSSIBLE'],
  [/restore_command is not set in the target cluster|cannot use restore_command with/, 'REWIND_IMPOSSIBLE'],
  // The signal file has to go before: pg_rewind completes the crash recovery of a standby only without it.
  [/standby mode is not supported by single-user servers/, 'REWIND_IMPOSSIBLE'],
  [/could not open file ".*pg_wal.*": No such file or directory/, 'REWIND_NEEDS_WAL'],
  // An attempt that was killed amid its copying leaves segments of its own WAL cut short.
  [/could not read file ".*pg_wal.*": |could not read WAL record at/, 'REWIND_NEEDS_WAL'],
  [/could not restore file ".*" from archive|could not find previous WAL record at/, 'REWIND_NEEDS_WAL'],
];

const unreachable =
  /could not connect to server|connection to server .* failed|server closed the connection|terminating connection|the database system is (starting up|shutting down|not yet accepting connections|not accepting connections|in recovery mode)|source server must not be in recovery mode|permission denied for function/;

/**
 * Names the outcome of pg_rewind from its exit status and what it printed (contract 04, 15.4, leaves every failure to
 * four blind attempts; field.md 24 lists what came of that). A failure that is not known may be tried again.
 *
 * @param exitCode null: a signal ended it
 * @param stderr its lines, oldest first
 */
export function classifyRewind(exitCode: number | null, stderr: readonly string[]): RewindOutcome {
  if (exitCode === 0) {
    const isNeedless = stderr.some((line) => line.includes('no rewind required'));
    return { kind: isNeedless ? 'not needed' : 'done' };
  }
  for (const [pattern, code] of refusals) {
    const line = stderr.find((candidate) => pattern.test(candidate));
    if (line !== undefined) return { kind: 'refused', why: messageIn(line), code };
  }
  const away = stderr.find((line) => unreachable.test(line));
  if (away !== undefined) return { kind: 'unreachable', why: messageIn(away) };
  const telling =
    stderr.find((line) => /^pg_rewind: (error|fatal): /.test(line)) ??
    stderr.findLast((line) => line.trim() !== '');
  const how = exitCode === null ? 'a signal ended pg_rewind' : `pg_rewind ended with ${exitCode}`;
  return { kind: 'try again', why: telling === undefined ? how : messageIn(telling) };
}

/**
 * Whether a pg_rewind that failed certainly ended before it changed any file by itself. With `-P` it says what it needs to copy
 * before its first change (pg_rewind.c, main). Its last word must be among the lines: only then are those before it as well.
 *
 * @param exitCode null: a signal ended it
 */
export function hasOnlyLooked(exitCode: number | null, stderr: readonly string[]): boolean {
  if (exitCode === null || exitCode === 0) return false;
  const hasLastWord = stderr.some((line) => /^pg_rewind: (error|fatal): /.test(line));
  return hasLastWord && !stderr.some((line) => /need to copy|\d+ kB \(\d+%\) copied/.test(line));
}

/**
 * The segment of WAL that pg_rewind looked for in vain, in pg_wal of the directory that it shall rewind (parsexlog.c,
 * SimpleXLogPageRead). Undefined when it did not fail for that.
 */
export function missingSegment(stderr: readonly string[]): string | undefined {
  const pattern = /could not open file ".*\/pg_wal\/([0-9A-F]{24})": No such file or directory/;
  for (const line of stderr) {
    const name = pattern.exec(line)?.[1];
    if (name !== undefined) return name;
  }
  return undefined;
}

/** Without the name of the program and the kind of message. */
function messageIn(line: string): string {
  return line.replace(/^pg_rewind: (error: |fatal: |detail: )?/, '').trim();
}

/**
 * Whether pg_rewind has completed its work in a directory, although nobody saw it end. It writes backup_label and then,
 * as the very last, pg_control (pg_rewind.c, perform_rewind), and it never begins on a server that was not shut down.
 *
 * Such a directory must not be given to pg_rewind again: tried with 15, it then takes the copy for a crashed primary, lets
 * it write WAL of its own on the primary's timeline, and says "no rewind required". It needs standby.signal, nothing else.
 *
 * @param backupLabel text of backup_label; undefined: there is no such file
 */
export function isRewindComplete(control: ControlFile, backupLabel: string | undefined): boolean {
  const isRewound = backupLabel !== undefined && /^BACKUP METHOD: pg_rewind$/m.test(backupLabel);
  return isRewound && control.clusterState === 'in archive recovery';
}
