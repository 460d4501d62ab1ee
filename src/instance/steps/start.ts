import { writeConfigurationFiles } from '../configuration-writer.ts';
import { dataRoleOf } from '../data-role.ts';
import { settleReplication } from '../replication-files.ts';
import type { Step } from '../step-context.ts';
import { requireRoomForWal } from '../wal-space.ts';

/** Starts the server with the role that its files give it; that it answers is another matter. */
export const start: Step = async (step, signal) => {
  const { context, server, settings, findings } = step;
  const desired = step.desired();
  const isStandby = dataRoleOf(context.dataDirectory) === 'standby';
  const enforced = isStandby ? await enforcedByControlFile(step) : undefined;
  writeConfigurationFiles(context, desired, { isFirstBoot: false, enforced });
  if (isStandby) settleReplication(context.dataDirectory, desired.replication);
  await requireRoomForWal(settings.dataDirectory);
  signal.throwIfAborted();
  findings.trouble = undefined;
  findings.isStranded = false;
  await server.start();
};

/** A standby does not start with less than its primary had when the WAL was written (contract 04, 10.3). */
async function enforcedByControlFile({ context, desired }: Parameters<Step>[0]) {
  const { parameters } = desired();
  const { readEnforcedParameters } = await import('../enforced-parameters.ts');
  return readEnforcedParameters(context, parameters);
}
