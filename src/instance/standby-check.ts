import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors/manager-error.ts';
import { readPrimaryPast } from '../postgres/io/replication-session.ts';
import { type Kinship, kinshipOf, type WalPast } from '../postgres/kinship.ts';
import { strayWalFiles } from '../postgres/wal-files.ts';
import { syncDirectory } from './atomic-file.ts';
import { readControlFile } from './server-access.ts';
import type { StepContext } from './step-context.ts';
import { ownHistory, primaryAddress, stoppedPast, walFiles } from './wal-past.ts';

/** Directory in pg_wal, where the server does not look, and where a rename always works. */
const strayDirectory = '.stray';

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
  const kinship =
    primary === undefined || isCopy ? undefined : kinshipOf(stoppedPast(dataDirectory), primary);
  if (kinship === undefined || kinship.kind === 'straight') {
    putAside(step, primary ?? latestKnown(dataDirectory));
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

function putAside(
  { context, log }: StepContext,
  past: Pick<WalPast, 'timeline' | 'history'> | undefined,
): void {
  const { dataDirectory } = context;
  const segmentSize = readControlFile(dataDirectory)?.details?.walSegmentSize;
  if (past === undefined || segmentSize === undefined) return;
  const names = strayWalFiles(walFiles(dataDirectory), past, segmentSize);
  if (names.length === 0) return;
  const wal = join(dataDirectory, 'pg_wal');
  mkdirSync(join(wal, strayDirectory), { recursive: true, mode: 0o700 });
  for (const name of names) renameSync(join(wal, name), join(wal, strayDirectory, name));
  syncDirectory(wal);
  log.warn({ names, place: join(wal, strayDirectory) }, 'WAL that the primary does not have was put aside');
}
