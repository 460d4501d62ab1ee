import { isConfigurationDue, writeConfigurationFiles } from '../configuration-writer.ts';
import { lookAtData } from '../data-role.ts';
import { settleReplication } from '../replication-files.ts';
import type { Step, StepContext } from '../step-context.ts';
import { requireRoomForWal } from '../wal-space.ts';

/** Starts the server with the role that its files give it; that it answers is another matter. */
export const start: Step = async (step, signal) => {
  const { context, server, settings, findings } = step;
  const { data, problem } = lookAtData(context.dataDirectory);
  if (data === 'unclear') {
    step.log.warn({ problem }, 'nothing was started on a data directory that cannot be looked at');
    return;
  }
  const isStandby = data === 'standby';
  if (isStandby && isToFollow(step) && !(await mayFollow(step, signal))) return;
  const desired = step.desired();
  const enforced = isStandby ? await enforcedByControlFile(step) : undefined;
  if (!isStandby && isConfigurationDue(context, desired)) await step.denyFailover(signal);
  writeConfigurationFiles(context, desired, { isFirstBoot: false, enforced });
  if (isStandby) settleReplication(context.dataDirectory, desired.replication);
  await requireRoomForWal(settings.dataDirectory);
  signal.throwIfAborted();
  if (!isStandby && !step.mayLead()) {
    step.log.warn('the lease has run out before the start: nothing was started');
    return;
  }
  findings.trouble = undefined;
  findings.strandedAt = undefined;
  // What was found of the WAL of a primary that is down is old as soon as it may write again.
  if (!isStandby) findings.kinship = undefined;
  await server.start();
};

/** Whether there is a primary that leads, and not just one that is about to go, or this instance itself is chosen. */
function isToFollow({ view, desired }: StepContext): boolean {
  const status = view.latest?.cluster.status;
  const isSettled = status?.currentPrimary === status?.targetPrimary;
  return isSettled && desired().replication?.primary !== undefined;
}

/** A standby whose WAL the primary does not have is not started: what was found decides what is done instead. */
async function mayFollow(step: StepContext, signal: AbortSignal): Promise<boolean> {
  const { checkStandby } = await import('../standby-check.ts');
  const { describeKinship } = await import('./compare.ts');
  const kinship = await checkStandby(step, signal);
  if (kinship === undefined || kinship.kind === 'straight') return true;
  step.log.warn(describeKinship(kinship), 'this standby holds WAL that the primary does not have');
  step.findings.kinship = kinship;
  return false;
}

/** A standby does not start with less than its primary had when the WAL was written (contract 04, 10.3). */
async function enforcedByControlFile({ context, desired }: StepContext) {
  const { readEnforcedParameters } = await import('../enforced-parameters.ts');
  return readEnforcedParameters(context, desired().parameters);
}
