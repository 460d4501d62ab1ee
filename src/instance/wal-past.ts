import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError } from '../errors/manager-error.ts';
import type { PrimaryAddress } from '../postgres/io/replication-session.ts';
import type { WalPast } from '../postgres/kinship.ts';
import { parseLsn } from '../postgres/lsn.ts';
import { parseTimelineHistory, timelineHistoryFileName } from '../postgres/timeline-history.ts';
import { walEndOf } from '../postgres/wal-end.ts';
import { walFileName } from '../postgres/wal-files.ts';
import { readIfPresent } from './atomic-file.ts';
import { readControlFile } from './server-access.ts';
import type { StepContext } from './step-context.ts';

/** @throws PRIMARY_UNKNOWN */
export function primaryAddress({ desired }: Pick<StepContext, 'desired'>): PrimaryAddress {
  const { replication } = desired();
  if (replication?.primary === undefined) {
    throw new ManagerError('PRIMARY_UNKNOWN', 'nobody has said where the primary listens');
  }
  const { primary, user, password, tls, applicationName } = replication;
  return { ...primary, user, password: password?.reveal(), tls, applicationName };
}

/** What the WAL of a stopped server has gone through: only its control file can tell. */
export function stoppedPast(dataDirectory: string): WalPast {
  const control = readControlFile(dataDirectory);
  if (control === undefined) throw new Error('global/pg_control is not a control file');
  const { timeline, end } = walEndOf(control);
  const { systemIdentifier } = control;
  return { systemIdentifier, timeline, history: ownHistory(dataDirectory, timeline), end };
}

interface PositionRow {
  readonly system: string;
  readonly timeline: number;
  readonly position: string;
  readonly segment_size: number;
}

const positionQuery = `
SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
       (SELECT GREATEST(c.timeline_id, r.min_recovery_end_timeline, (SELECT received_tli FROM pg_stat_wal_receiver))
        FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r) AS timeline,
       GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text AS position,
       pg_size_bytes(current_setting('wal_segment_size'))::int AS segment_size`;

/** The same of a standby that runs: all that it has received counts, replayed or not. */
export async function runningPast({ context, server }: StepContext): Promise<WalPast> {
  const session = server.monitor?.session;
  if (session === undefined) throw new Error('the server does not answer');
  const row = (await session.query<PositionRow>(positionQuery)).rows[0];
  if (row === undefined) throw new Error('the server gave no position');
  const end = parseLsn(row.position);
  const { dataDirectory } = context;
  const timeline = Math.max(row.timeline, timelineOfFiles(dataDirectory, end, row.segment_size));
  return { systemIdentifier: row.system, timeline, history: ownHistory(dataDirectory, timeline), end };
}

/**
 * The newest timeline of which pg_wal has the segment of a position. Right after a switch of timelines pg_control still
 * names the old one, and without a receiver nothing else tells.
 */
function timelineOfFiles(dataDirectory: string, position: bigint | undefined, segmentSize: number): number {
  if (position === undefined) return 0;
  const segment = walFileName(0, position > 0n ? position - 1n : 0n, segmentSize).slice(8);
  const timelines = walFiles(dataDirectory)
    .filter((name) => name.length === 24 && name.endsWith(segment))
    .map((name) => Number.parseInt(name.slice(0, 8), 16));
  return Math.max(0, ...timelines);
}

/** Names in pg_wal. */
export function walFiles(dataDirectory: string): string[] {
  return readdirSync(join(dataDirectory, 'pg_wal'));
}

/** The ancestors of a timeline, by the history file in pg_wal; empty without one. */
export function ownHistory(dataDirectory: string, timeline: number): WalPast['history'] {
  const text = readIfPresent(join(dataDirectory, 'pg_wal', timelineHistoryFileName(timeline)));
  return text === undefined ? [] : parseTimelineHistory(text);
}
