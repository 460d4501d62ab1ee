import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError } from '../../errors/manager-error.ts';
import { oldTimelineMarker } from '../../postgres/data-directory.ts';
import { connect } from '../../postgres/io/connection.ts';
import { syncDirectory } from '../atomic-file.ts';
import { now, pause } from '../deadline.ts';
import { loginOf, serverAddress } from '../server-access.ts';
import type { Step, StepContext } from '../step-context.ts';
import { runningPast } from '../wal-past.ts';

/** Milliseconds between two looks; the question itself takes less than one. */
const pollPeriod = 5;
/** Milliseconds until the server is called again, and then twice as long each time; a promotion takes some tens. */
const firstNudge = 100;
/** pg_rewind of these versions reads the source's timeline from its control file, which only a checkpoint brings up to date. */
const firstMajorWithoutCheckpoint = 16;
/** Milliseconds that the announcement waits for that checkpoint: clients wait for the announcement, rewinds are tried again. */
const checkpointPatience = 30_000;

/** The timeline that a server writes to; null: it does not write yet. */
const timelineQuery = `
SELECT CASE WHEN NOT pg_is_in_recovery()
         THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`;

/**
 * Makes a primary of this standby, as `pg_ctl promote` does: a file, a signal (PostgreSQL manual, 27.3). It ends when the
 * server itself says that it is out of recovery, and on a new timeline: what it wrote on the old one could not be told from
 * what the old primary wrote there.
 *
 * One that takes longer than it may has failed, and is asked for again: the server may still be replaying, and what it has
 * done so far would be lost with it.
 *
 * @throws PROMOTED_IN_PLACE; an error without a code when another attempt may succeed
 */
export const promote: Step = async (step, signal) => {
  const { context, server, observation, findings, log } = step;
  // One that is asked for again may be on its new timeline already.
  if (!findings.isPromoting) {
    findings.promotedFrom = (await runningPast(step)).timeline;
    findings.isOnOldTimeline = false;
  }
  const from = findings.promotedFrom;
  const begun = now();
  const deadline = step.desired().promotionTimeout;
  if (!step.mayLead()) throw new Error('the lease has run out before the promotion');
  findings.kinship = undefined;
  askForPromotion(step);
  let to: number | undefined;
  for (let nudge = firstNudge; ; ) {
    to = await askTimeline(step);
    if (to !== undefined) break;
    // Called while a WAL receiver still tries to connect, the startup process sleeps for the rest of
    // wal_retrieve_retry_interval (5 s) before it acts (15, WaitForWALToBecomeAvailable): a reload wakes it.
    if (now() - begun > nudge) {
      server.signal('SIGHUP');
      nudge *= 2;
    }
    if (server.postmaster === undefined) throw new Error('the server ended while it was promoted');
    if (now() - begun > deadline) {
      throw new Error(
        `still in recovery ${deadline / 1000} s after the promotion was asked for (promotionTimeout)`,
      );
    }
    signal.throwIfAborted();
    await pause(pollPeriod, signal);
  }
  if (to <= from) {
    markOldTimeline(step);
    const why = `the server takes writes on timeline ${to}, and was on ${from}: it is not announced`;
    throw new ManagerError('PROMOTED_IN_PLACE', why);
  }
  observation.inRecovery = false;
  const milliseconds = Math.round(now() - begun);
  log.info({ milliseconds, fromTimeline: from, toTimeline: to }, 'promoted: the server takes writes');
  const isRecorded = recordTimeline(step);
  if (context.installation.major < firstMajorWithoutCheckpoint) await waitFor(isRecorded, log, signal);
};

/**
 * From the file on the server may become a primary at any moment: every signal of its own processes makes it look. Without
 * the file nothing has happened, and the step is tried again.
 */
function askForPromotion({ context, findings, server }: StepContext): void {
  const path = join(context.dataDirectory, 'promote');
  try {
    writeFileSync(path, '', { mode: 0o600 });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    findings.isPromoting = existsSync(path);
  }
  server.signal('SIGUSR1');
}

/** Also for a process that is started anew, as long as the mark can be made. */
function markOldTimeline({ context, findings, log }: StepContext): void {
  findings.isOnOldTimeline = true;
  try {
    writeFileSync(join(context.dataDirectory, oldTimelineMarker), '', { mode: 0o600 });
    syncDirectory(context.dataDirectory);
  } catch (error) {
    log.error({ error }, 'PGDATA cannot be marked: do not start this instance as a primary again');
  }
}

async function askTimeline({ server }: StepContext): Promise<number | undefined> {
  const session = server.monitor?.session;
  if (session === undefined) return undefined;
  try {
    const { rows } = await session.query<{ timeline: number | null }>(timelineQuery);
    return rows[0]?.timeline ?? undefined;
  } catch {
    // The monitor finds out what is wrong with the session, and opens another one.
    return undefined;
  }
}

/** On slow storage a checkpoint takes minutes, and clients would find no primary that long. It goes on after that. */
async function waitFor(
  isRecorded: Promise<void>,
  log: StepContext['log'],
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const isLate = await Promise.race([
    isRecorded.then(() => false),
    pause(checkpointPatience, AbortSignal.any([signal, over.signal])).then(() => true),
  ]);
  over.abort();
  if (isLate && !signal.aborted)
    log.warn('announced before the checkpoint after the promotion, which a rewind of the others waits for');
}

/** A checkpoint, so that the others can be rewound to this timeline (contract 04, section 14, step 6). */
async function recordTimeline({ context, desired, log }: StepContext): Promise<void> {
  try {
    const client = await connect(serverAddress(context), loginOf(desired()), {
      connectTimeout: 5_000,
      statementTimeout: 0,
    });
    try {
      await client.query('CHECKPOINT');
    } finally {
      await client.end();
    }
  } catch (error) {
    log.warn(
      { error },
      'no checkpoint after the promotion; a rewind of the others has to wait for the next one',
    );
  }
}
