import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openLibc } from './libc.ts';
import { childrenOf, signalProcess } from './proc.ts';

/** Milliseconds: how late the end of a lease may be noticed, also when the machine has slept. */
const longestNap = 1_000;
/** Milliseconds between two looks once the time is over. */
const shortestNap = 50;

/** A process, and when it began, so that its number is not taken for that of another one. */
interface Postmaster {
  readonly pid: number;
  readonly startTime: string;
}

/** What the manager says from time to time, a line each: until when, and which server. */
interface Guard {
  /** Milliseconds of CLOCK_BOOTTIME. */
  readonly fenceAt: number;
  /** Milliseconds that the immediate stop may take before it becomes a kill. */
  readonly patience: number;
  /** Undefined: a server that is about to be started; it is found by its postmaster.pid. */
  readonly postmaster: Postmaster | undefined;
}

/**
 * The watchdog of a primary: a process of its own, since a manager that is halted (SIGSTOP, a debugger, a loop that never
 * ends) can neither renew the lease nor stop its server, which goes on taking writes. When nobody has said for the time of
 * the lease that it was renewed, the server is stopped at once, and killed if it does not obey.
 *
 * Reads `FENCE_AT PATIENCE PID` lines from standard input; a PID of 0 stands for the server that is about to be started
 * there, `0 0 0` takes the guard off. When the input ends, so does the watchdog, but a server that is still guarded is
 * waited for: the manager has died and not taken the guard off.
 */
export function runWatchdog(dataDirectory: string): void {
  const { bootTime } = openLibc();
  let guard: Guard | undefined;
  let asked: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Immediate | undefined;
  let isInputOver = false;
  // Late itself, it first hears what the manager has said meanwhile: input comes between a timer and what is immediate.
  const lookSoon = () => {
    clearTimeout(timer);
    clearImmediate(soon);
    soon = setImmediate(look);
  };
  const look = () => {
    if (guard?.postmaster !== undefined && !isRunning(guard.postmaster)) guard = undefined;
    const late = guard === undefined ? 0 : bootTime() - guard.fenceAt;
    const postmaster = guard?.postmaster ?? (late < 0 ? undefined : postmasterOf(dataDirectory));
    const isOver = guard === undefined || (postmaster === undefined && late >= guard.patience);
    if (isOver && isInputOver) process.exit(0);
    if (guard === undefined) return;
    if (postmaster !== undefined && late >= guard.patience) kill(postmaster.pid);
    else if (postmaster !== undefined && late >= 0 && asked !== postmaster.startTime) {
      asked = postmaster.startTime;
      signalProcess(postmaster.pid, 'SIGQUIT');
      signalProcess(postmaster.pid, 'SIGCONT');
    }
    timer = setTimeout(lookSoon, Math.min(Math.max(-late, shortestNap), longestNap));
  };
  // What a terminal sends to the whole group is for the manager, which takes the guard off when its server has ended.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      guard = parseGuard(line);
      lookSoon();
    })
    .on('close', () => {
      isInputOver = true;
      lookSoon();
    });
}

/** Undefined: there is nothing to guard, or no longer. */
function parseGuard(line: string): Guard | undefined {
  const [fenceAt = 0, patience = 0, pid = 0] = line.split(' ').map(Number);
  if (fenceAt === 0) return undefined;
  if (pid === 0) return { fenceAt, patience, postmaster: undefined };
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { fenceAt, patience, postmaster: { pid, startTime } };
}

/** The server itself, and the sessions that it would leave behind. */
function kill(postmaster: number): void {
  const family = childrenOf(postmaster);
  signalProcess(postmaster, 'SIGKILL');
  for (const pid of family) signalProcess(pid, 'SIGKILL');
}

/** The server that runs on a data directory, which is also where it stands (ChangeToDataDir). */
function postmasterOf(dataDirectory: string): Postmaster | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8'), 10);
    const here = statSync(dataDirectory);
    const there = statSync(`/proc/${pid}/cwd`);
    const startTime = startTimeOf(pid);
    const isThere = startTime !== undefined && here.dev === there.dev && here.ino === there.ino;
    return isThere ? { pid, startTime } : undefined;
  } catch {
    return undefined;
  }
}

function isRunning({ pid, startTime }: Postmaster): boolean {
  return startTimeOf(pid) === startTime;
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
