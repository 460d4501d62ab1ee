import type { Cluster } from './cluster.ts';
import { fencedInstances } from './fencing.ts';
import { memberNames } from './members.ts';
import type { ReportedState } from './status.ts';

type Fields = ReadonlyArray<readonly [label: string, value: string]>;

/** What has changed between two readings of a Cluster, a line each, for people who follow what happens. */
export function describeChanges(before: Cluster, after: Cluster): string[] {
  const lines = difference(clusterFields(before), clusterFields(after));
  for (const name of memberNames({ status: { ...before.status, ...namesOf(before, after) } })) {
    const then = before.status?.instancesReportedState?.[name];
    const now = after.status?.instancesReportedState?.[name];
    lines.push(...difference(stateFields(name, then), stateFields(name, now)));
  }
  return lines;
}

function namesOf(before: Cluster, after: Cluster) {
  return { instanceNames: [...memberNames(before), ...memberNames(after)] };
}

function clusterFields(cluster: Cluster): Fields {
  const { status = {} } = cluster;
  const { all, names } = fencedInstances(cluster);
  const reason = (status.phaseReason ?? '') === '' ? '' : ` (${status.phaseReason})`;
  return [
    ['target primary', status.targetPrimary ?? ''],
    ['current primary', status.currentPrimary ?? ''],
    ['phase', (status.phase ?? '') === '' ? '' : `${status.phase}${reason}`],
    ['fenced', all ? 'all' : names.join(', ')],
  ];
}

/** Not the position of WAL: on a server that works it changes all the time. */
function stateFields(name: string, state: ReportedState | undefined): Fields {
  const endpoint = state?.port === undefined ? '' : `${state.ip ?? ''}:${state.port}`;
  return [
    [`${name} role`, state === undefined ? '' : roleOf(state)],
    [`${name} phase`, state?.phase ?? ''],
    [`${name} timeline`, state?.timeLineID === undefined ? '' : String(state.timeLineID)],
    [`${name} endpoint`, endpoint],
    [`${name} pending restart`, state?.pendingRestart === true ? 'yes' : ''],
    [`${name} refused`, state?.refusal?.why ?? ''],
  ];
}

/** As the instance says itself. */
export function roleOf(state: Pick<ReportedState, 'isPrimary'>): 'primary' | 'standby' {
  return state.isPrimary ? 'primary' : 'standby';
}

function difference(before: Fields, after: Fields): string[] {
  return after.flatMap(([label, value], index) => {
    const old = before[index]?.[1] ?? '';
    return old === value ? [] : [`${label}: ${old || '-'} -> ${value || '-'}`];
  });
}
