import { settleReplication, turnIntoStandby } from '../replication-files.ts';
import type { Step } from '../step-context.ts';

/** A former primary whose WAL is all part of the new one's: it only needs to be told whom to follow. */
export const turnStandby: Step = async ({ context, desired, findings }) => {
  turnIntoStandby(context.dataDirectory, desired().replication);
  findings.kinship = undefined;
};

/** A running standby whose files name a former primary: the WAL receiver begins anew with the new one. */
export const pointToPrimary: Step = async ({ context, desired, server, findings }) => {
  if (!settleReplication(context.dataDirectory, desired().replication)) return;
  findings.trouble = undefined;
  findings.strandedAt = undefined;
  findings.kinship = undefined;
  server.signal('SIGHUP');
};
