import { readdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { ManagerError } from '../../errors/manager-error.ts';
import { baseBackupArguments, parseBackupProgress } from '../../postgres/base-backup.ts';
import { copyName, toolConninfo } from '../../postgres/conninfo.ts';
import { joinDirectory, joinMarker } from '../../postgres/data-directory.ts';
import { describeExit } from '../../process/exit-status.ts';
import { syncDirectory } from '../atomic-file.ts';
import { captureTool } from '../capture-tool.ts';
import { writeConfigurationFiles } from '../configuration-writer.ts';
import { discardCopy } from '../discard-copy.ts';
import { turnIntoStandby } from '../replication-files.ts';
import type { Step } from '../step-context.ts';

/** Milliseconds in which the copy must move: a checkpoint of the primary comes before the first byte. */
const stallAfter = 600_000;

/**
 * Copies the primary into an empty PGDATA (contract 04, 3.7). A marker stands there from the first moment to the last: the
 * remains of an interrupted copy are known as such, hold nothing that the primary has not, and make room for the next one.
 *
 * @throws JOIN_FAILED, PRIMARY_UNKNOWN
 */
export const join: Step = async (step, signal) => {
  const { context, observation, log } = step;
  const { dataDirectory } = context;
  const { replication } = step.desired();
  if (replication?.conninfo === undefined) {
    throw new ManagerError('PRIMARY_UNKNOWN', 'nobody has said where the primary listens');
  }
  step.transition('join begun');
  await discardCopy(dataDirectory);
  writeFileSync(joinPath(dataDirectory, joinMarker), 'The copy of the primary has not been completed.\n', {
    mode: 0o600,
  });
  const staging = joinPath(dataDirectory, joinDirectory);
  const program = joinPath(context.installation.binDirectory, 'pg_basebackup');
  const args = baseBackupArguments({
    target: staging,
    conninfo: toolConninfo(replication.conninfo, copyName(replication.applicationName)),
    slot: replication.slot,
    checkpoint: 'fast',
  });
  const { exit, lines } = await captureTool(context, program, args, {
    signal,
    stallAfter,
    onLine: (line) => {
      const progress = parseBackupProgress(line);
      if (progress === undefined) return;
      const { doneKb, totalKb } = progress;
      observation.initStep = `base backup: ${doneKb} of ${totalKb} kB`;
      log.info({ doneKb, totalKb }, 'copying the primary');
    },
  });
  if (exit.code !== 0) {
    throw new ManagerError(
      'JOIN_FAILED',
      `pg_basebackup ended with ${describeExit(exit)}: ${lines.find((line) => line.includes('error:')) ?? lines.at(-1) ?? 'it said nothing'}`,
    );
  }
  for (const name of readdirSync(staging)) renameSync(joinPath(staging, name), joinPath(dataDirectory, name));
  rmdirSync(staging);
  writeConfigurationFiles(context, step.desired(), { isFirstBoot: false });
  turnIntoStandby(dataDirectory, replication);
  unlinkSync(joinPath(dataDirectory, joinMarker));
  syncDirectory(dataDirectory);
};
