/** What postmaster.pid says (storage/lmgr/lockfile: miscadmin.h, LOCK_FILE_LINE_*). */
export interface PostmasterPidFile {
  readonly pid: number;
  readonly dataDirectory: string;
  /** Start of the postmaster, seconds since 1970. */
  readonly startTime: number | undefined;
  readonly port: number | undefined;
  readonly socketDirectory: string | undefined;
  /** `starting`, `stopping`, `ready` or `standby`; undefined while the line is not written yet. */
  readonly status: string | undefined;
}

/** Undefined when the first line is no process id: the file is then stale by definition (contract 04, 11.3). */
export function parsePostmasterPid(text: string): PostmasterPidFile | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const pid = positiveInteger(lines[0]);
  if (pid === undefined) return undefined;
  return {
    pid,
    dataDirectory: lines[1] ?? '',
    startTime: positiveInteger(lines[2]),
    port: positiveInteger(lines[3]),
    socketDirectory: lines[4] || undefined,
    status: lines[7] || undefined,
  };
}

/** What is known of the process that postmaster.pid names. */
export interface NamedProcess {
  /** Name of the executable (/proc/PID/comm). */
  readonly command: string;
  /** Current directory, which a postmaster sets to its data directory; undefined when it may not be seen. */
  readonly workingDirectory: string | undefined;
}

/**
 * `live` when the named process is a server of this very directory; anything else is a leftover, such as the
 * file of a container that crashed and whose process ids have been given to others since.
 *
 * @param dataDirectory real path of PGDATA
 */
export function judgePostmasterPid(
  process: NamedProcess | undefined,
  dataDirectory: string,
  executable: string,
): 'live' | 'stale' {
  if (process === undefined || process.command !== executable) return 'stale';
  const elsewhere = process.workingDirectory !== undefined && process.workingDirectory !== dataDirectory;
  return elsewhere ? 'stale' : 'live';
}

function positiveInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value > 0 ? value : undefined;
}
