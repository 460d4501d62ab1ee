import { readPrimaryPast } from '../../postgres/io/replication-session.ts';
import { type Kinship, kinshipOf, type WalPast } from '../../postgres/kinship.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { markKinship } from '../foreign-mark.ts';
import type { Step } from '../step-context.ts';
import { primaryAddress, runningPast, stoppedPast } from '../wal-past.ts';

/** Works out how the WAL of this directory relates to that of the present primary: stream, rewind, or hands off. */
export const compare: Step = async (step, signal) => {
  const { findings, log, context, server } = step;
  const primary = await readPrimaryPast(primaryAddress(step), signal);
  const own = server.postmaster === undefined ? stoppedPast(context.dataDirectory) : await runningPast(step);
  const kinship = kinshipOf(own, primary);
  log.info(
    { ...describeKinship(kinship), own: describePast(own), primary: describePast(primary) },
    'compared with the primary',
  );
  findings.kinship = kinship;
  markKinship(step, kinship, primary.timeline);
  findings.trouble = undefined;
};

/** Members of a log line. */
export function describeKinship(kinship: Kinship): object {
  switch (kinship.kind) {
    case 'straight':
      return { kinship: kinship.kind };
    case 'forked':
      return { kinship: kinship.kind, forkedAt: formatLsn(kinship.at), forkedFrom: kinship.timeline };
    case 'foreign':
      return { kinship: kinship.kind, why: kinship.why };
  }
}

function describePast({ timeline, end }: WalPast): string {
  return `${end === undefined ? 'unknown' : formatLsn(end)} on timeline ${timeline}`;
}
