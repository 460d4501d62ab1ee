import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors/manager-error.ts';
import { type Kinship, kinshipOf, type WalPast } from '../postgres/kinship.ts';
import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import { readControlFile } from './server-access.ts';
import { ownHistory } from './wal-past.ts';

/** Bytes at the end of a backup_manifest in which its WAL ranges are; before them it names every file of the copy. */
const tailLength = 4096;

/**
 * How a copy that has never been started relates to the primary: it is consistent only when all the WAL has been replayed
 * that was written while it was made, and that may be WAL of a primary that is gone. pg_control is not asked, which is as
 * new as the moment in which it was copied.
 *
 * @returns undefined when nothing tells how far that WAL goes, as after a rewind
 */
export function kinshipOfCopy(dataDirectory: string, primary: WalPast): Kinship | undefined {
  const past = copiedPast(dataDirectory);
  const kinship = past === undefined ? undefined : kinshipOf(past, primary);
  if (past?.end === undefined || kinship?.kind !== 'forked') return kinship;
  // pg_rewind could not bring it back: there is no consistent state to begin with.
  const why = `this copy needs timeline ${past.timeline} up to ${formatLsn(past.end)}, and the primary has it only up to ${formatLsn(kinship.at)}: ask for a new copy (manager cluster reclone)`;
  return { kind: 'foreign', why };
}

/** By the manifest that pg_basebackup leaves (PostgreSQL manual, 77: "Backup Manifest WAL Range Object"). */
function copiedPast(dataDirectory: string): WalPast | undefined {
  const control = readControlFile(dataDirectory);
  const ranges = [
    ...tailOf(join(dataDirectory, 'backup_manifest')).matchAll(
      /"Timeline": (\d+), "Start-LSN": "[^"]*", "End-LSN": "([^"]*)"/g,
    ),
  ];
  const [, timeline, position = ''] = ranges.at(-1) ?? [];
  const end = parseLsn(position);
  if (control === undefined || timeline === undefined || end === undefined) return undefined;
  const history = ownHistory(dataDirectory, Number(timeline));
  return { systemIdentifier: control.systemIdentifier, timeline: Number(timeline), history, end };
}

/** Empty when there is no such file. */
function tailOf(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  }
  try {
    const bytes = Buffer.alloc(tailLength);
    const from = Math.max(0, fstatSync(descriptor).size - tailLength);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, tailLength, from));
  } finally {
    closeSync(descriptor);
  }
}
