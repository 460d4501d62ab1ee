import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors/manager-error.ts';
import { readPrimaryPast } from '../postgres/io/replication-session.ts';
import { type Kinship, kinshipOf, type WalPast } from '../postgres/kinship.ts';
import { parseWalFileName, strayWalFiles } from '../postgres/wal-files.ts';
import { kinshipOfCopy } from './copied-past.ts';
import { markKinship } from './foreign-mark.ts';
import { readControlFile } from './server-access.ts';
import type { StepContext } from './step-context.ts';
import { putAside, wasPutAside } from './stray-wal.ts';
import { ownHistory, primaryAddress, stoppedPast, walFiles } from './wal-past.ts';

/**
 * Looks at a stopped standby before it starts: a server replays what it finds in pg_wal without asking whether the primary
 * has it, and streams from a primary that has less than itself without a word. Segments that do not belong to the history
 * of the primary are put aside, not deleted; but not where a rewind, or a person, will need them: pg_rewind learns from them
 * what to copy, and recovery of such a directory begins with them.
 *
 * @returns how the WAL relates to the primary's; undefined when the primary does not answer, which must not keep a standby
 *   from serving reads
 */
export async function checkStandby(step: StepContext, signal: AbortSignal): Promise<Kinship | undefined> {
  const { context, log } = step;
  const { dataDirectory } = context;
  let primary: WalPast | undefined;
  try {
    primary = await readPrimaryPast(primaryAddress(step), signal);
  } catch (error) {
    log.info({ error: messageOf(error) }, 'the primary cannot be asked before the start');
  }
  // In a copy, or after a rewind, pg_control says how far the other server was.
  const isCopy = existsSync(join(dataDirectory, 'backup_label'));
  const compare = (past: WalPast) =>
    isCopy ? kinshipOfCopy(dataDirectory, past) : kinshipOf(stoppedPast(dataDirectory), past);
  const kinship = primary === undefined ? undefined : compare(primary);
  if (kinship !== undefined && primary !== undefined) markKinship(step, kinship, primary.timeline);
  if (kinship === undefined || kinship.kind === 'straight') {
    clearWay(step, primary ?? latestKnown(dataDirectory), isCopy);
  }
  return kinship;
}

/** The newest timeline of which the standby has heard. */
function latestKnown(dataDirectory: string): Pick<WalPast, 'timeline' | 'history'> | undefined {
  const timelines = walFiles(dataDirectory)
    .filter((name) => name.endsWith('.history'))
    .map((name) => Number.parseInt(name, 16));
  if (timelines.length === 0) return undefined;
  const timeline = Math.max(...timelines);
  return { timeline, history: ownHistory(dataDirectory, timeline) };
}

/**
 * A segment that was put aside before, and has come back by streaming, is left alone as soon as replay begins behind it:
 * the server does not read it any more. (In a copy pg_control does not say where replay begins.)
 */
function clearWay(
  { context, log }: StepContext,
  past: Pick<WalPast, 'timeline' | 'history'> | undefined,
  isCopy: boolean,
): void {
  const { dataDirectory } = context;
  const control = readControlFile(dataDirectory);
  const segmentSize = control?.details?.walSegmentSize;
  if (past === undefined || control === undefined || segmentSize === undefined) return;
  const isPast = (name: string) => {
    const segment = parseWalFileName(name, segmentSize);
    return !isCopy && segment !== undefined && segment.end <= control.redo;
  };
  const names = strayWalFiles(walFiles(dataDirectory), past, segmentSize).filter(
    (name) => !(isPast(name) && wasPutAside(dataDirectory, name)),
  );
  if (names.length === 0) return;
  const place = putAside(dataDirectory, names);
  log.warn({ names, place }, 'WAL that the primary does not have was put aside');
}
