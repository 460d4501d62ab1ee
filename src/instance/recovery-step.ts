import { readFileSync } from 'node:fs';
import { childrenOf } from '../process/proc.ts';

/** Of the kernel's times, as user space sees them (sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;

/**
 * What a start is at, as text that changes when it moves: the WAL file that the title of the startup process names, in
 * crash recovery too, where pg_control stands still. Files that are synced before the replay, and the checkpoint after
 * it, show in no title, though they can take longer than many a replay: there the processor time counts of those who do
 * that work.
 *
 * @returns '' when there is no such process
 */
export function recoveryStep(postmaster: number | undefined): string {
  if (postmaster === undefined) return '';
  const files: string[] = [];
  let ticks = 0;
  for (const pid of childrenOf(postmaster)) {
    const [, process, detail = ''] = /: (startup|checkpointer)\b(.*)$/.exec(titleOf(pid)) ?? [];
    if (process === undefined) continue;
    const file = /(recovering|waiting for) [0-9A-F]{24}/.exec(detail)?.[0];
    if (file === undefined) ticks += ticksOf(pid);
    else files.push(file);
  }
  return [...files, ...(ticks === 0 ? [] : [`${ticks / ticksPerSecond} s of work`])].join(', ');
}

/** The process that replays WAL; undefined when there is none. */
export function startupProcessOf(postmaster: number | undefined): number | undefined {
  if (postmaster === undefined) return undefined;
  return childrenOf(postmaster).find((pid) => /: startup\b/.test(titleOf(pid)));
}

function titleOf(pid: number): string {
  return read(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

function ticksOf(pid: number): number {
  const stat = read(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** Empty for a process that has just ended. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
