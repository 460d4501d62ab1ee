import { dataBeside, roleOf } from '../alignment/data-role.ts';
import { type ClusterFacts, type InstanceFacts, loneClusterFacts } from '../alignment/facts.ts';
import { isFenced } from '../cluster/fencing.ts';
import { isCandidate } from '../cluster/founder.ts';
import { lookAtData } from './data-role.ts';
import { now } from './deadline.ts';
import { isForeignTarget } from './foreign-mark.ts';
import { isRecloneDue } from './kept-data.ts';
import { followsPlan } from './replication-files.ts';
import type { StepContext } from './step-context.ts';

/** Milliseconds without an answer after which nothing is known of the server's role any more. */
const roleIsKnownFor = 3_000;

/** What this instance is at this moment, from its files, its server and what the steps have found out. */
export function lookAtInstance(step: StepContext): InstanceFacts {
  const { settings, context, server, observation, findings, desired, view } = step;
  const { phase, answeredAt, inRecovery, isReceiving } = observation;
  const isAnswering = phase === 'running' && answeredAt !== undefined && now() - answeredAt <= roleIsKnownFor;
  const files = lookAtData(context.dataDirectory);
  const isOnOldTimeline = findings.isOnOldTimeline || files.isOnOldTimeline;
  const isKnown = isAnswering && !isOnOldTimeline;
  const role = inRecovery === true ? 'standby' : 'primary';
  const receiver = isReceiving === true ? 'receiving' : 'idle';
  const facts = {
    isPromoting: findings.isPromoting,
    data: findings.isPromoting ? 'primary' : dataBeside(server.startedWith, files.data),
    server: server.postmaster === undefined ? 'down' : 'up',
    role: !isKnown || inRecovery === undefined ? 'unknown' : role,
  } as const;
  return {
    name: settings.name,
    ...facts,
    data: roleOf(facts),
    dataProblem: files.problem,
    isOnOldTimeline,
    receiver: !isKnown || isReceiving === undefined ? 'unknown' : receiver,
    kinship: findings.kinship?.kind ?? (isForeignTarget(step) ? 'foreign' : 'unknown'),
    isAstray: findings.trouble !== undefined && view.kind !== 'standalone',
    // What has come since tells that there is more of it: somebody has brought the WAL back.
    isStranded: findings.strandedAt === observation.received,
    source: followsPlan(context.dataDirectory, desired().replication) ? 'right' : 'wrong',
  };
}

/** What the Cluster says of roles; undefined before the first reading. */
export function lookAtCluster(
  step: Pick<StepContext, 'view' | 'settings'>,
  { data, role, server }: Pick<InstanceFacts, 'data' | 'role' | 'server'>,
): ClusterFacts | undefined {
  const { view, settings } = step;
  if (view.kind === 'standalone') return loneClusterFacts(settings.name, data);
  const cluster = view.latest?.cluster;
  if (cluster === undefined) return undefined;
  const { status } = cluster;
  const me = { name: settings.name, data, isServing: server === 'up' && role === 'primary' };
  return {
    currentPrimary: status?.currentPrimary ?? '',
    targetPrimary: status?.targetPrimary ?? '',
    isFenced: isFenced(cluster, settings.name),
    readAt: view.readAt,
    isCandidate: view.kind === 'file' && isCandidate(cluster, status ?? {}, me),
    isRecloneAsked: isRecloneDue(settings.dataDirectory, status?.recloneRequests?.[settings.name]),
  };
}
