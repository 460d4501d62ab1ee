import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observation } from '../../alignment/observation.ts';
import { connect } from '../../postgres/io/connection.ts';
import { now, pause } from '../deadline.ts';
import { loginOf, serverAddress } from '../server-access.ts';
import type { Step, StepContext } from '../step-context.ts';

/** Milliseconds between two looks; the question itself takes less than one. */
const pollPeriod = 5;
/** Milliseconds until the server is called again, and then twice as long each time; a promotion takes some tens. */
const firstNudge = 100;
/** pg_rewind of these versions reads the source's timeline from its control file, which only a checkpoint brings up to date. */
const firstMajorWithoutCheckpoint = 16;

/**
 * Makes a primary of this standby, as `pg_ctl promote` does: a file, a signal (PostgreSQL manual, 27.3). It ends when the
 * server itself says that it is out of recovery, on a new timeline.
 */
export const promote: Step = async (step, signal) => {
  const { context, server, observation, findings, log } = step;
  const begun = now();
  const deadline = step.desired().promotionTimeout;
  if (!step.mayLead()) throw new Error('the lease has run out before the promotion');
  findings.isPromoting = true;
  writeFileSync(join(context.dataDirectory, 'promote'), '', { mode: 0o600 });
  server.signal('SIGUSR1');
  for (let nudge = firstNudge; ; ) {
    await askRole(step);
    if (isPrimary(observation)) break;
    // Called while a WAL receiver still tries to connect, the startup process sleeps for the rest of
    // wal_retrieve_retry_interval (5 s) before it acts (15, WaitForWALToBecomeAvailable): a reload wakes it.
    if (now() - begun > nudge) {
      server.signal('SIGHUP');
      nudge *= 2;
    }
    if (server.postmaster === undefined) throw new Error('the server ended while it was promoted');
    if (now() - begun > deadline) throw new Error(`still in recovery after ${deadline / 1000} s`);
    signal.throwIfAborted();
    await pause(pollPeriod, signal);
  }
  log.info({ milliseconds: Math.round(now() - begun) }, 'promoted: the server takes writes');
  const isRecorded = recordTimeline(step);
  if (context.installation.major < firstMajorWithoutCheckpoint) await isRecorded;
};

function isPrimary({ inRecovery }: Observation): boolean {
  return inRecovery === false;
}

async function askRole({ server, observation }: StepContext): Promise<void> {
  const session = server.monitor?.session;
  if (session === undefined) return;
  try {
    const { rows } = await session.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
    observation.inRecovery = rows[0]?.standby;
  } catch {
    // The monitor finds out what is wrong with the session, and opens another one.
  }
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
