import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** Process ids of the children; empty where the kernel does not tell. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** False when there is no such process, or it is somebody else's. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Whether a process has a handler for a signal; true where the kernel does not tell. */
export function handlesSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return isInSet(readFileSync(`/proc/${pid}/status`, 'utf8'), 'SigCgt', signal) ?? true;
  } catch {
    return true;
  }
}

/** Whether a process ignores a signal, by the text of its /proc/PID/status; false where the kernel does not tell. */
export function isIgnored(status: string, signal: NodeJS.Signals): boolean {
  return isInSet(status, 'SigIgn', signal) ?? false;
}

function isInSet(status: string, set: 'SigCgt' | 'SigIgn', signal: NodeJS.Signals): boolean | undefined {
  const mask = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1];
  if (mask === undefined) return undefined;
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

/**
 * How often a process has gone to sleep, when it is one that acts on no signal at present: it waits inside of the kernel,
 * mostly for storage, or somebody has halted it. As long as the number stays the same it is the same wait. Undefined for
 * all others, and where the kernel does not tell. Reads nothing that such a process could hold up.
 */
export function hangOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8');
    if (!/^State:\s*[DTt]/m.test(text)) return undefined;
    return /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}
