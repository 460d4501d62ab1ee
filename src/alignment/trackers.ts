import type { Observation, Progress, RepeatedError, WritePath } from './observation.ts';

/** Notes how far something has come; `since` stays while the marker stays. */
export function trackProgress(before: Progress | undefined, marker: string, now: number): Progress {
  return before !== undefined && before.marker === marker ? before : { marker, since: now };
}

/** Counts an error that comes again; another text begins a new count. */
export function trackError(before: RepeatedError | undefined, text: string, now: number): RepeatedError {
  const general = withoutNumbers(text);
  if (before === undefined || withoutNumbers(before.text) !== general) {
    return { text, count: 1, firstAt: now, lastAt: now };
  }
  return { text, count: before.count + 1, firstAt: before.firstAt, lastAt: now };
}

/**
 * Follows the write path: it is stalled while somebody waits for WAL to reach the disk and the flushed position
 * stays where it is. Nothing is written for this (an idle server shall stay idle).
 */
export function trackWritePath(
  before: WritePath | undefined,
  sample: { readonly flushed: string; readonly waiting: number },
  now: number,
): WritePath {
  const stalled =
    before !== undefined && sample.waiting > 0 && before.waiting > 0 && before.flushed === sample.flushed;
  const stalledSince = stalled ? (before.stalledSince ?? now) : undefined;
  return { ...sample, stalledSince };
}

/**
 * Follows processes that wait for storage, or are halted, so that no signal reaches them. The marker of each changes when it
 * comes to another wait: a slow disk is not one that has gone away. It needs no answer of the server, nor a session.
 */
export function trackHangs(
  before: ReadonlyMap<number, Progress>,
  seen: ReadonlyMap<number, string>,
  now: number,
): ReadonlyMap<number, Progress> {
  return new Map([...seen].map(([pid, marker]) => [pid, trackProgress(before.get(pid), marker, now)]));
}

/** Since when the one that hangs longest has hung; undefined: none does. */
export function hangingSince({ hangs }: Pick<Observation, 'hangs'>): number | undefined {
  return hangs.size === 0 ? undefined : Math.min(...[...hangs.values()].map(({ since }) => since));
}

/**
 * Whether an error of the startup process or the WAL receiver says that replay cannot go on. Losing the connection
 * to the primary is not one: while a failover is under way every standby has it, and their data stays readable.
 */
export function hindersReplay(backendType: string, sqlState: string, message: string): boolean {
  if (backendType !== 'startup' && backendType !== 'walreceiver') return false;
  const connectionLost =
    sqlState.startsWith('08') || /could not (connect|receive data)|terminating walreceiver/.test(message);
  if (connectionLost) return false;
  if (backendType === 'walreceiver') return true;
  // jsonlog leaves the state of a success out, csvlog prints zeros.
  return (sqlState !== '' && sqlState !== '00000') || replayTrouble.test(message);
}

/** Messages of level LOG (SQLSTATE 00000) by which the startup process reports that it waits for WAL it cannot have. */
const replayTrouble =
  /^invalid (record|magic|resource manager|info bits|checkpoint)|incorrect (resource manager|prev-link)|unexpected (pageaddr|timeline)|is not a child of|requested timeline|new timeline .* forked off|out-of-sequence/;

function withoutNumbers(text: string): string {
  return text.replace(/[0-9A-F]*\d[0-9A-F/]*/g, '#');
}
