export interface BaseBackup {
  /** Directory that is missing or empty; pg_basebackup leaves it alone otherwise. */
  readonly target: string;
  readonly conninfo: string;
  /** Directory for pg_wal on a volume of its own; undefined: inside the target. */
  readonly walDirectory?: string | undefined;
  /** Slot of the primary that keeps the WAL until the copy follows; undefined: one that lasts as long as the copy is made. */
  readonly slot?: string | undefined;
  /** `fast`: the primary writes its dirty pages at once. `spread`: at its usual pace, so that the copy begins later. */
  readonly checkpoint: 'fast' | 'spread';
}

/**
 * Arguments of pg_basebackup (contract 04, 3.7). It never asks for a password, and streams the WAL beside the copy, so
 * that the copy is complete by itself. `-P` and `-v` make it tell how far it is.
 */
export function baseBackupArguments(backup: BaseBackup): string[] {
  return [
    ...['-D', backup.target, '-d', backup.conninfo, '-P', '-v', '-w', '-X', 'stream'],
    ...['-c', backup.checkpoint],
    ...(backup.walDirectory === undefined ? [] : ['--waldir', backup.walDirectory]),
    ...(backup.slot === undefined ? [] : ['--slot', backup.slot]),
  ];
}

/** How much has been copied, in kB of 1024 bytes. The total is an estimate that grows when the copy outgrows it. */
export interface BackupProgress {
  readonly doneKb: number;
  readonly totalKb: number;
}

/**
 * Reads a progress line of pg_basebackup 13 to 18 (pg_basebackup.c, progress_report). On a terminal it ends lines with a
 * carriage return, so that one line may hold many: the last counts.
 *
 * @returns undefined when the line tells of something else
 */
export function parseBackupProgress(line: string): BackupProgress | undefined {
  const last = [...line.matchAll(/(?:^|\r)\s*(\d+)\/(\d+) kB \(\d+%\), \d+\/\d+ tablespaces?/g)].at(-1);
  return last === undefined ? undefined : { doneKb: Number(last[1]), totalKb: Number(last[2]) };
}
