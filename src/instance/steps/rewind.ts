import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerError, messageOf } from '../../errors/manager-error.ts';
import { toolConninfo } from '../../postgres/conninfo.ts';
import { standbySignal, tornMarker } from '../../postgres/data-directory.ts';
import { isInRecovery } from '../../postgres/io/replication-session.ts';
import {
  classifyRewind,
  hasOnlyLooked,
  isRewindComplete,
  missingSegment,
} from '../../postgres/rewind-outcome.ts';
import { readIfPresent, syncDirectory } from '../atomic-file.ts';
import { type Captured, captureTool } from '../capture-tool.ts';
import { writeConfigurationFiles } from '../configuration-writer.ts';
import { isControlFileKept, keepControlFile, removeControlFileCopy } from '../control-file-copy.ts';
import { isTorn } from '../data-role.ts';
import { turnIntoStandby } from '../replication-files.ts';
import { restoreSegment } from '../restore-segment.ts';
import { readControlFile } from '../server-access.ts';
import type { Step, StepContext } from '../step-context.ts';
import { keepStrayWal } from '../stray-wal.ts';
import { hasLostPower, markUnsynced, removeUnsyncedMark } from '../unsynced-rewind.ts';
import { primaryAddress } from '../wal-past.ts';

/** Milliseconds in which pg_rewind must move, whatever it is at: a source that has fallen silent is not waited for. */
const stallAfter = 120_000;
/** Longer than any stop. */
const longest = 2 ** 31 - 1;

/**
 * Brings a stopped server back to where its WAL forked from the primary's, and on along the primary's (contract 04, 15.4).
 * All that pg_rewind looks at it has looked at in a rehearsal that writes nothing: as long as it may fail for that, the
 * directory stays what it is, and can lead. From the first change to the last a marker stands in it, so that whatever
 * interrupts this, nothing but another rewind will touch what is neither the old state nor the new one. What has begun to
 * write is not called off: half a rewind may be beyond repair.
 *
 * @throws PRIMARY_UNKNOWN, PRIMARY_UNREACHABLE, REWIND_IMPOSSIBLE, REWIND_NEEDS_WAL, NO_SPACE, USER_WITHOUT_NAME; an error without a code when another attempt may succeed
 */
export const rewind: Step = async (step, signal) => {
  const { context, findings } = step;
  const { dataDirectory } = context;
  const { replication } = step.desired();
  if (replication?.conninfo === undefined) {
    throw new ManagerError('PRIMARY_UNKNOWN', 'nobody has said where the primary listens');
  }
  requireAllWritten(dataDirectory);
  step.transition('rewind begun');
  // A second pg_rewind would take what the first one made for a crashed primary, and write WAL of its own into it.
  if (isCompleted(step)) await sync(step, signal);
  else {
    const conninfo = toolConninfo(replication.conninfo, `${replication.applicationName}-rewind`);
    await requireSource(step, signal);
    if (await isNeeded(step, conninfo, signal)) await write(step, conninfo, signal);
  }
  // What came over are the primary's own files.
  writeConfigurationFiles(context, step.desired(), { isFirstBoot: false });
  turnIntoStandby(dataDirectory, replication);
  removeControlFileCopy(dataDirectory);
  rmSync(join(dataDirectory, tornMarker), { force: true });
  syncDirectory(dataDirectory);
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

/** Of files of which a part was lost pg_rewind sees the size only. @throws REWIND_IMPOSSIBLE: nothing tells what is missing */
function requireAllWritten(dataDirectory: string): void {
  if (!hasLostPower(dataDirectory)) return;
  const why = 'the machine went down, or the volume came to another one, before the rewind was on the disk';
  throw new ManagerError('REWIND_IMPOSSIBLE', why);
}

/** Makes last what an earlier attempt has written. */
async function sync({ context }: StepContext, signal: AbortSignal): Promise<void> {
  const { dataDirectory, installation } = context;
  const initdb = join(installation.binDirectory, 'initdb');
  const { exit, lines } = await captureTool(context, initdb, ['--sync-only', '-D', dataDirectory], {
    signal,
    stallAfter,
  });
  if (exit.code !== 0) throw new Error(`initdb --sync-only: ${lines.at(-1) ?? 'failed'}`);
  removeUnsyncedMark(dataDirectory);
}

/** pg_rewind would take a standby for a source, whose WAL may yet fork from that of the primary. */
async function requireSource(step: StepContext, signal: AbortSignal): Promise<void> {
  if (!(await answered(isInRecovery(primaryAddress(step), signal), signal))) return;
  throw new ManagerError('PRIMARY_UNREACHABLE', 'the source of the rewind is not a primary yet');
}

/** What the primary says. @throws PRIMARY_UNREACHABLE when it says nothing */
async function answered<T>(question: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await question;
  } catch (error) {
    signal.throwIfAborted();
    throw new ManagerError('PRIMARY_UNREACHABLE', messageOf(error), { cause: error });
  }
}

/** Rehearses the rewind, without a change but the end of crash recovery, which any start would bring as well. */
async function isNeeded(step: StepContext, conninfo: string, signal: AbortSignal): Promise<boolean> {
  const { context, findings } = step;
  const { dataDirectory } = context;
  // A change of roles meanwhile forgets it.
  const { kinship } = findings;
  // Only a rewind can make something of it, and what it looks like is no longer what it is.
  if (isTorn(dataDirectory)) return true;
  if (!isCleanlyDown(dataDirectory)) {
    if (existsSync(join(dataDirectory, standbySignal))) return true;
    await endCrashRecovery(step, signal);
  }
  for (;;) {
    const result = await rehearse(step, conninfo, signal);
    if (result === 'may begin') return true;
    const missing = missingSegment(result.lines);
    const isRestored =
      missing !== undefined && (await answered(restoreSegment(step, kinship, missing, signal), signal));
    if (!isRestored) return requireSuccess(result) === 'done';
  }
}

/** Lets pg_rewind look at everything. @returns what came of it, unless it got as far as copying */
async function rehearse(
  step: StepContext,
  conninfo: string,
  signal: AbortSignal,
): Promise<Captured | 'may begin'> {
  const settled = new AbortController();
  const whenever = AbortSignal.any([signal, settled.signal]);
  const args = ['--dry-run', ...rewindArguments(step, conninfo)];
  // It would fetch everything now, and write nothing of it.
  const onLine = (line: string) => void (line.includes('need to copy') && settled.abort());
  try {
    return await captureTool(step.context, rewindProgram(step), args, {
      signal: whenever,
      isLogged: true,
      onLine,
      stallAfter,
    });
  } catch (error) {
    if (!settled.signal.aborted || signal.aborted) throw error;
    return 'may begin';
  }
}

/** In single-user mode, as pg_rewind itself would do it, but with fsync: until it has written, this is still a primary. */
async function endCrashRecovery({ context }: StepContext, signal: AbortSignal): Promise<void> {
  const { dataDirectory } = context;
  rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
  const program = join(context.installation.binDirectory, context.executable);
  const result = await captureTool(context, program, ['--single', '-D', dataDirectory, 'template1'], {
    signal,
    stallAfter,
    needsUserName: true,
  });
  requireSuccess(result);
}

/** Otherwise pg_rewind starts a server that completes crash recovery. */
function isCleanlyDown(dataDirectory: string): boolean {
  return readControlFile(dataDirectory)?.clusterState.startsWith('shut down') === true;
}

async function write(step: StepContext, conninfo: string, signal: AbortSignal): Promise<void> {
  const { context, log, libc } = step;
  const { dataDirectory } = context;
  signal.throwIfAborted();
  const kept = keepStrayWal(dataDirectory);
  if (kept !== undefined)
    log.warn({ place: kept }, 'WAL that was put aside was moved out of the way of pg_rewind');
  const wasTorn = isTorn(dataDirectory);
  const wasStandby = existsSync(join(dataDirectory, standbySignal));
  markTorn(step);
  keepControlFile(dataDirectory, libc);
  markUnsynced(dataDirectory, libc);
  rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
  // After a crash pg_rewind lets the server recover in single-user mode, which is not to be had for a standby.
  rmSync(join(dataDirectory, standbySignal), { force: true });
  const { smartSeconds, fastSeconds } = step.desired().policyFor('stop requested');
  const result = await captureTool(context, rewindProgram(step), rewindArguments(step, conninfo), {
    signal: later(signal, (smartSeconds + fastSeconds) * 1000),
    isLogged: true,
    stallAfter,
    needsUserName: !isCleanlyDown(dataDirectory),
  });
  log.info({ outcome: classifyRewind(result.exit.code, result.lines).kind }, 'pg_rewind has ended');
  const isUntouched = hasOnlyLooked(result.exit.code, result.lines) && isControlFileKept(dataDirectory);
  if (isUntouched && !wasTorn) takeMarkOff(dataDirectory, wasStandby);
  requireSuccess(result);
  removeUnsyncedMark(dataDirectory);
}

/**
 * The source went between the rehearsal and the first change: the directory is what it was, and says so again. (Nor has crash
 * recovery begun: the server that pg_rewind starts for it notes that in the control file first.)
 */
function takeMarkOff(dataDirectory: string, wasStandby: boolean): void {
  if (wasStandby) writeFileSync(join(dataDirectory, standbySignal), '', { mode: 0o600 });
  removeUnsyncedMark(dataDirectory);
  removeControlFileCopy(dataDirectory);
  rmSync(join(dataDirectory, tornMarker));
  syncDirectory(dataDirectory);
}

function rewindProgram({ context }: StepContext): string {
  return join(context.installation.binDirectory, 'pg_rewind');
}

function rewindArguments({ context }: StepContext, conninfo: string): string[] {
  return ['-P', '--source-server', conninfo, '--target-pgdata', context.dataDirectory];
}

function requireSuccess({ exit, lines }: Captured): 'done' | 'not needed' {
  const outcome = classifyRewind(exit.code, lines);
  if (outcome.kind === 'refused') throw new ManagerError(outcome.code, outcome.why);
  if (outcome.kind === 'unreachable') throw new ManagerError('PRIMARY_UNREACHABLE', outcome.why);
  if (outcome.kind === 'try again') throw new Error(outcome.why);
  return outcome.kind;
}

/** Aborted so many milliseconds after another one. */
function later(signal: AbortSignal, patience: number): AbortSignal {
  const late = new AbortController();
  const begin = () => void setTimeout(() => late.abort(signal.reason), Math.min(patience, longest)).unref();
  if (signal.aborted) begin();
  signal.addEventListener('abort', begin, { once: true });
  return late.signal;
}

function markTorn({ context, libc }: StepContext): void {
  if (isTorn(context.dataDirectory)) return;
  libc.mkfifo(join(context.dataDirectory, tornMarker), 0o600);
  syncDirectory(context.dataDirectory);
}
