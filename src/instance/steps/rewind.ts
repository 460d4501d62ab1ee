import { copyFileSync, existsSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError } from '../../errors/manager-error.ts';
import { standbySignal, tornMarker } from '../../postgres/data-directory.ts';
import { classifyRewind, isRewindComplete } from '../../postgres/rewind-outcome.ts';
import { readIfPresent, syncDirectory } from '../atomic-file.ts';
import { captureTool } from '../capture-tool.ts';
import { writeConfigurationFiles } from '../configuration-writer.ts';
import { isTorn } from '../data-role.ts';
import { turnIntoStandby } from '../replication-files.ts';
import { readControlFile } from '../server-access.ts';
import type { Step, StepContext } from '../step-context.ts';

/** Milliseconds in which pg_rewind must say something: it reads WAL back to the fork, and the list of all files, silently. */
const stallAfter = 3_600_000;

/**
 * Brings a stopped server back to where its WAL forked from the primary's, and on along the primary's (contract 04, 15.4).
 * From the first change to the last a marker stands in the directory, so that whatever interrupts this, nothing but
 * another rewind will touch what is neither the old state nor the new one.
 *
 * @throws PRIMARY_UNKNOWN, PRIMARY_UNREACHABLE, REWIND_IMPOSSIBLE, REWIND_NEEDS_WAL, NO_SPACE; an error without a code when another attempt may succeed
 */
export const rewind: Step = async (step, signal) => {
  const { context, findings } = step;
  const { dataDirectory } = context;
  const { replication } = step.desired();
  if (replication?.conninfo === undefined) {
    throw new ManagerError('PRIMARY_UNKNOWN', 'nobody has said where the primary listens');
  }
  step.transition('rewind begun');
  // A second pg_rewind would take what the first one made for a crashed primary, and write WAL of its own into it.
  if (!isCompleted(step)) await runRewind(step, replication.conninfo, signal);
  // What came over are the primary's own files.
  writeConfigurationFiles(context, step.desired(), { isFirstBoot: false });
  turnIntoStandby(dataDirectory, replication);
  unlinkSync(join(dataDirectory, tornMarker));
  syncDirectory(dataDirectory);
  rmSync(controlFileCopy(step), { force: true });
  findings.kinship = undefined;
};

/** Whether an earlier attempt was interrupted only after pg_rewind had done its work. */
function isCompleted({ context }: StepContext): boolean {
  const { dataDirectory } = context;
  if (!isTorn(dataDirectory)) return false;
  const control = readControlFile(dataDirectory);
  return (
    control !== undefined && isRewindComplete(control, readIfPresent(join(dataDirectory, 'backup_label')))
  );
}

async function runRewind(step: StepContext, conninfo: string, signal: AbortSignal): Promise<void> {
  const { context, log } = step;
  const { dataDirectory } = context;
  keepControlFile(step);
  markTorn(step);
  rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
  // After a crash pg_rewind lets the server recover in single-user mode, which is not to be had for a standby.
  rmSync(join(dataDirectory, standbySignal), { force: true });
  const program = join(context.installation.binDirectory, 'pg_rewind');
  const args = ['-P', '--source-server', conninfo, '--target-pgdata', dataDirectory];
  const { exit, lines } = await captureTool(context, program, args, {
    signal,
    isLogged: true,
    stallAfter,
  });
  const outcome = classifyRewind(exit.code, lines);
  log.info({ outcome: outcome.kind }, 'pg_rewind has ended');
  if (outcome.kind === 'refused') throw new ManagerError(outcome.code, outcome.why);
  if (outcome.kind === 'unreachable') throw new ManagerError('PRIMARY_UNREACHABLE', outcome.why);
  if (outcome.kind === 'try again') throw new Error(outcome.why);
}

function markTorn({ context, libc }: StepContext): void {
  if (isTorn(context.dataDirectory)) return;
  libc.mkfifo(join(context.dataDirectory, tornMarker), 0o600);
  syncDirectory(context.dataDirectory);
}

/** pg_rewind replaces the control file last; an interruption in that moment would leave nothing to begin anew with. */
function keepControlFile(step: StepContext): void {
  const path = join(step.context.dataDirectory, 'global', 'pg_control');
  const copy = controlFileCopy(step);
  if (existsSync(path) && statSync(path).size > 0) copyFileSync(path, copy);
  else if (existsSync(copy)) copyFileSync(copy, path);
  else throw new ManagerError('PGDATA_INCOMPLETE', `${path} is empty, and there is no copy of it`);
}

/** Outside of PGDATA, where pg_rewind removes what the source does not have. */
function controlFileCopy({ context }: StepContext): string {
  return join(context.directories.privateSocket, 'pg_control.kept');
}
