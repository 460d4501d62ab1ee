import type { InstanceRow, LeaseOverview, Overview } from '../cluster/overview.ts';
import { alignColumns } from './status-screen.ts';

/** A Cluster as a screen for people. */
export function renderOverview(overview: Overview): string {
  const { phase, phaseReason, instances } = overview;
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['Cluster', `${overview.name} (version ${overview.resourceVersion})`],
    ['Phase', [phase ?? '-', ...(phaseReason ? [phaseReason] : [])].join(': ')],
    ['Primary', primaryOf(overview)],
    ['Lease', leaseText(overview.lease)],
  ];
  const lines = rows.map(([label, value]) => `${`${label}:`.padEnd(10)}${value}`);
  lines.push('');
  if (instances.length === 0) lines.push('No instance has registered itself yet.');
  else lines.push(...alignColumns([header, ...instances.map(cellsOf)]));
  const refused = instances.flatMap(({ name, refusal }) =>
    refusal === undefined ? [] : [{ name, ...refusal }],
  );
  if (refused.length > 0) lines.push('');
  for (const { name, goal, why } of refused) lines.push(`${name} is refused, goal ${goal}: ${why}`);
  return `${lines.join('\n')}\n`;
}

const header = ['Instance', 'Role', 'Condition', 'Timeline', 'Phase', 'LSN', 'Endpoint', 'Notes'];

function cellsOf(row: InstanceRow): string[] {
  const notes = [
    ...(row.wanted !== row.role && row.role !== 'unknown' ? [`shall be ${row.wanted}`] : []),
    ...(row.isFenced ? ['fenced'] : []),
    ...(row.isRestartPending ? ['restart pending'] : []),
    ...(row.refusal === undefined ? [] : ['refused']),
  ];
  const cells = [row.name, row.role, row.condition, row.timeline, row.phase, row.lsn, row.endpoint];
  return [...cells.map((cell) => String(cell ?? '-')), notes.join(', ')];
}

function primaryOf({ currentPrimary, currentPrimaryTimestamp, targetPrimary }: Overview): string {
  const since = currentPrimaryTimestamp === undefined ? '' : ` since ${currentPrimaryTimestamp}`;
  const current = (currentPrimary ?? '') === '' ? 'none yet' : `${currentPrimary}${since}`;
  return (targetPrimary ?? '') === (currentPrimary ?? '') ? current : `${current}; target ${targetPrimary}`;
}

function leaseText(lease: LeaseOverview | undefined): string {
  if (lease === undefined) return 'none';
  if (lease.holder === '') return `free, claimed ${lease.transitions} times so far`;
  const age = lease.ageSeconds === undefined ? '' : `, renewed ${lease.ageSeconds.toFixed(1)} s ago`;
  return `${lease.holder}${age}, good for ${lease.durationSeconds} s, claimed ${lease.transitions} times so far`;
}
