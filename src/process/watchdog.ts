import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openLibc } from './libc.ts';
import { childrenOf, signalProcess } from './proc.ts';

/** Milliseconds: how late the end of a lease may be noticed, also when the machine has slept. */
const longestNap = 1_000;

/** What the manager says from time to time, a line each: until when, and which server. */
interface Guard {
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly fenceAt: number;
  /** Milliseconds that the immediate stop may take before it becomes a kill. */
  readonly patience: number;
  readonly postmaster: number;
  /** Of the postmaster, so that its number is not taken for that of another process. */
  readonly startTime: string;
}

/**
 * The watchdog of a primary: a process of its own, since a manager that is halted (SIGSTOP, a debugger, a loop that never
 * ends) can neither renew the lease nor stop its server, which goes on taking writes. When nobody has said for the time of
 * the lease that it was renewed, the server is stopped at once, and killed if it does not obey.
 *
 * Reads `FENCE_AT PATIENCE PID` lines from standard input; `0 0 0` takes the guard off. When the input ends, so does the
 * watchdog, but a server that is still guarded is waited for: the manager has died and not taken the guard off.
 */
export function runWatchdog(): void {
  const { bootTime } = openLibc();
  let guard: Guard | undefined;
  let isQuitSent = false;
  let timer: NodeJS.Timeout | undefined;
  let isInputOver = false;
  const look = () => {
    clearTimeout(timer);
    if (guard !== undefined && startTimeOf(guard.postmaster) !== guard.startTime) guard = undefined;
    if (guard === undefined) {
      if (isInputOver) process.exit(0);
      return;
    }
    const { fenceAt, patience, postmaster } = guard;
    const late = bootTime() - fenceAt;
    if (late >= patience) {
      const family = childrenOf(postmaster);
      signalProcess(postmaster, 'SIGKILL');
      for (const pid of family) signalProcess(pid, 'SIGKILL');
    } else if (late >= 0 && !isQuitSent) {
      isQuitSent = true;
      signalProcess(postmaster, 'SIGQUIT');
      signalProcess(postmaster, 'SIGCONT');
    }
    const next = late < 0 ? -late : Math.max(50, patience - late);
    timer = setTimeout(look, Math.min(next, longestNap));
  };
  // What a terminal sends to the whole group is for the manager, which takes the guard off when its server has ended.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const [fenceAt = 0, patience = 0, postmaster = 0] = line.split(' ').map(Number);
      const startTime = postmaster > 0 ? startTimeOf(postmaster) : undefined;
      guard = startTime === undefined ? undefined : { fenceAt, patience, postmaster, startTime };
      isQuitSent = false;
      look();
    })
    .on('close', () => {
      isInputOver = true;
      look();
    });
}

/** Field 22 of /proc/PID/stat; undefined when there is no such process, or only what is left of it. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
