import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSegment } from '../postgres/io/replication-session.ts';
import type { Kinship } from '../postgres/kinship.ts';
import { isHeadOf, parseWalFileName } from '../postgres/wal-files.ts';
import { writeBytesAtomically } from './atomic-file.ts';
import { readControlFile } from './server-access.ts';
import type { StepContext } from './step-context.ts';
import { primaryAddress } from './wal-past.ts';

/**
 * Puts a segment of WAL that a rewind needs, and that this instance has recycled, back into pg_wal: from the primary, and
 * only when all of it lies before the place where the two have parted, so that both had the same. Slots keep what comes
 * from that place on, but not the last checkpoint before it, where pg_rewind begins to read.
 *
 * Nothing else is ever fetched for a rewind: what lies behind the fork nobody but this instance has.
 *
 * @param kinship how the two were related before the rewind began
 * @param name of the segment
 * @returns whether it is there now; false when the primary does not have it either, or it is not to be taken from there
 */
export async function restoreSegment(
  step: StepContext,
  kinship: Kinship | undefined,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { context, log } = step;
  const size = readControlFile(context.dataDirectory)?.details?.walSegmentSize;
  if (kinship?.kind !== 'forked' || size === undefined) return false;
  const segment = parseWalFileName(name, size);
  if (segment === undefined || segment.timeline > kinship.timeline || segment.end > kinship.at) return false;
  const path = join(context.dataDirectory, 'pg_wal', name);
  if (existsSync(path)) return false;
  const bytes = await readSegment(primaryAddress(step), name, size, signal);
  if (bytes === undefined || !isHeadOf(segment, bytes)) return false;
  writeBytesAtomically(path, bytes);
  log.info({ segment: name }, 'restored a segment of WAL from the primary for the rewind');
  return true;
}
