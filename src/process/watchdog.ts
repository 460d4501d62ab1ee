import { openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findLeftBehind, markServer } from './left-behind.ts';
import { openLibc } from './libc.ts';
import { childrenOf, signalProcess } from './proc.ts';

/** Milliseconds: how late the end of a lease may be noticed, also when the machine has slept. */
const longestNap = 1_000;
/** Milliseconds between two looks once the time is over. */
const shortestNap = 50;

/** A process, and when it began, so that its number is not taken for that of another one. */
interface Postmaster {
  readonly pid: number;
  /** Undefined: it had ended before it could be looked at. */
  readonly startTime: string | undefined;
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
 * the lease that it was renewed, the server is stopped at once, and killed if it does not obey. What a postmaster leaves
 * behind is killed with it, whenever it ends: nobody could stop that any more.
 *
 * Reads `FENCE_AT PATIENCE PID` lines from standard input; a PID of 0 stands for the server that is about to be started
 * there, `0 0 0` takes the guard off. When the input ends, so does the watchdog, but a server that is still guarded is
 * waited for: the manager has died and not taken the guard off.
 *
 * @param executable file name of the server's program
 */
export function runWatchdog(dataDirectory: string, executable: string): void {
  const { bootTime } = openLibc();
  // Never closed: what is known by the number of a directory that is gone could be the server of another one.
  openSync(dataDirectory, 'r');
  const mark = markServer(dataDirectory, executable);
  let guard: Guard | undefined;
  /** The one under which something was found that its server has left behind. */
  let haunted: Guard | undefined;
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
    const late = guard === undefined ? 0 : bootTime() - guard.fenceAt;
    const postmaster = guard === undefined ? undefined : postmasterOf(guard, late, dataDirectory);
    const hasEnded = postmaster === undefined && (guard?.postmaster !== undefined || late >= 0);
    const isFree = guard === undefined || !hasEnded || endRest();
    if (guard?.postmaster !== undefined && hasEnded && isFree) guard = undefined;
    const isOver = guard === undefined || (hasEnded && isFree && late >= guard.patience);
    if (isOver && isInputOver) process.exit(0);
    if (guard === undefined) return;
    if (postmaster !== undefined && late >= guard.patience) kill(postmaster.pid);
    else if (postmaster !== undefined && late >= 0 && asked !== postmaster.startTime) {
      asked = postmaster.startTime;
      signalProcess(postmaster.pid, 'SIGQUIT');
      signalProcess(postmaster.pid, 'SIGCONT');
    }
    timer = setTimeout(lookSoon, isFree ? Math.min(Math.max(-late, shortestNap), longestNap) : shortestNap);
  };
  // The next server may have come while this looked; then the manager had said so before, and that is heard first.
  const endRest = (): boolean => {
    const rest = findLeftBehind(mark);
    if (haunted === guard) for (const pid of rest) signalProcess(pid, 'SIGKILL');
    haunted = guard;
    return rest.length === 0;
  };
  // What a terminal sends to the whole group is for the manager, which takes the guard off when its server has ended.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      guard = parseGuard(line, guard);
      lookSoon();
    })
    .on('close', () => {
      isInputOver = true;
      lookSoon();
    });
}

/**
 * Undefined: there is nothing to guard, or no longer.
 *
 * @param before a server that it names as well is still that one, although its number may be another process's by now
 */
function parseGuard(line: string, before: Guard | undefined): Guard | undefined {
  const [fenceAt = 0, patience = 0, pid = 0] = line.split(' ').map(Number);
  if (fenceAt === 0) return undefined;
  if (pid === 0) return { fenceAt, patience, postmaster: undefined };
  const isSame = before?.postmaster?.pid === pid;
  return { fenceAt, patience, postmaster: isSame ? before.postmaster : { pid, startTime: startTimeOf(pid) } };
}

/** The server itself, and the sessions that it would leave behind. */
function kill(postmaster: number): void {
  const family = childrenOf(postmaster);
  signalProcess(postmaster, 'SIGKILL');
  for (const pid of family) signalProcess(pid, 'SIGKILL');
}

/** The server that is guarded, as long as it runs. One that was announced is looked for when the time is over. */
function postmasterOf({ postmaster }: Guard, late: number, dataDirectory: string): Postmaster | undefined {
  if (postmaster === undefined) return late < 0 ? undefined : findPostmaster(dataDirectory);
  return isRunning(postmaster) ? postmaster : undefined;
}

/** The server that runs on a data directory, which is also where it stands (ChangeToDataDir). */
function findPostmaster(dataDirectory: string): Postmaster | undefined {
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
  return startTime !== undefined && startTimeOf(pid) === startTime;
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
