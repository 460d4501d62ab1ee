import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError } from '../../errors/manager-error.ts';
import { parseControlFile } from '../../postgres/control-file.ts';
import { type PrimaryAddress, readPrimaryPast } from '../../postgres/io/replication-session.ts';
import { kinshipOf, type WalPast } from '../../postgres/kinship.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { parseTimelineHistory, timelineHistoryFileName } from '../../postgres/timeline-history.ts';
import { walEndOf } from '../../postgres/wal-end.ts';
import { readIfPresent } from '../atomic-file.ts';
import type { Step, StepContext } from '../step-context.ts';

/** Works out how the WAL of this directory relates to that of the present primary: stream, rewind, or hands off. */
export const compare: Step = async (step, signal) => {
  const { findings, log } = step;
  const primary = await readPrimaryPast(primaryAddress(step), signal);
  const own = step.server.postmaster === undefined ? stoppedPast(step) : await runningPast(step);
  const kinship = kinshipOf(own, primary);
  log.info(
    {
      kinship: kinship.kind,
      ...(kinship.kind === 'forked' ? { forkedAt: formatLsn(kinship.at), forkedFrom: kinship.timeline } : {}),
      ...(kinship.kind === 'foreign' ? { why: kinship.why } : {}),
      own: describe(own),
      primary: describe(primary),
    },
    'compared with the primary',
  );
  findings.kinship = kinship;
  findings.trouble = undefined;
};

/** @throws PRIMARY_UNKNOWN */
export function primaryAddress({ desired }: StepContext): PrimaryAddress {
  const { replication } = desired();
  if (replication?.primary === undefined) {
    throw new ManagerError('PRIMARY_UNKNOWN', 'nobody has said where the primary listens');
  }
  const { primary, user, password, applicationName } = replication;
  return { host: primary.host, port: primary.port, user, password: password?.reveal(), applicationName };
}

/** Of a stopped server only its control file can tell. */
function stoppedPast({ context }: StepContext): WalPast {
  const control = parseControlFile(readFileSync(join(context.dataDirectory, 'global', 'pg_control')));
  if (control === undefined) throw new Error('global/pg_control is not a control file');
  const { timeline, end } = walEndOf(control);
  return {
    systemIdentifier: control.systemIdentifier,
    timeline,
    history: ownHistory(context.dataDirectory, timeline),
    end,
  };
}

interface PositionRow {
  readonly system: string;
  readonly timeline: number;
  readonly position: string;
}

const positionQuery = `
SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
       (SELECT GREATEST(c.timeline_id, r.min_recovery_end_timeline)
        FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r) AS timeline,
       GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text AS position`;

/** A standby that runs: all that it has received counts, replayed or not. */
async function runningPast({ context, server }: StepContext): Promise<WalPast> {
  const session = server.monitor?.session;
  if (session === undefined) throw new Error('the server does not answer');
  const row = (await session.query<PositionRow>(positionQuery)).rows[0];
  if (row === undefined) throw new Error('the server gave no position');
  const { system: systemIdentifier, timeline } = row;
  const history = ownHistory(context.dataDirectory, timeline);
  return { systemIdentifier, timeline, history, end: parseLsn(row.position) };
}

function ownHistory(dataDirectory: string, timeline: number): WalPast['history'] {
  const text = readIfPresent(join(dataDirectory, 'pg_wal', timelineHistoryFileName(timeline)));
  return text === undefined ? [] : parseTimelineHistory(text);
}

function describe({ timeline, end }: WalPast): string {
  return `${end === undefined ? 'unknown' : formatLsn(end)} on timeline ${timeline}`;
}
