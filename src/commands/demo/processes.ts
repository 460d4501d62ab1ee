import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { signalProcess } from '../../process/proc.ts';

/** What a manager starts, besides the Node that runs it and its watchdog. */
const programs: ReadonlySet<string> = new Set([
  'postgres',
  'initdb',
  'pg_basebackup',
  'pg_rewind',
  'pg_controldata',
  'pg_ctl',
]);

/** Milliseconds that the kernel gets to end what was killed: a process that waits for a slow disk ends only after that. */
const patience = 10_000;
const period = 10;

export interface FoundProcess {
  readonly pid: number;
  /** File name of its executable. */
  readonly program: string;
}

/**
 * The managers and servers that work in a directory: they are given a path in it, or have gone there. What a person runs
 * there (a shell, a pager) is none of them. Zombies are left out.
 */
export function processesIn(directory: string): FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => look(Number(name), `${directory}/`) ?? []);
}

/** Kills them all, and those that they have started meanwhile. Resolves with false when some are left all the same. */
export async function killAllIn(directory: string): Promise<boolean> {
  const end = performance.now() + patience;
  for (;;) {
    const found = processesIn(directory);
    if (found.length === 0) return true;
    for (const { pid } of found) signalProcess(pid, 'SIGKILL');
    if (performance.now() > end) return false;
    await pause(period);
  }
}

/** Whether a process is stopped by a signal. */
export function isFrozen(pid: number): boolean {
  return stateOf(pid) === 'T';
}

function look(pid: number, prefix: string): FoundProcess | undefined {
  if (pid === process.pid) return undefined;
  try {
    const executable = readlinkSync(`/proc/${pid}/exe`);
    const program = basename(executable);
    if (!programs.has(program) && executable !== ownExecutable()) return undefined;
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const isThere =
      args.some((arg) => arg.startsWith(prefix)) || `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(prefix);
    return isThere && stateOf(pid) !== 'Z' ? { pid, program } : undefined;
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
    return undefined;
  }
}

function ownExecutable(): string {
  return realpathSync(process.execPath);
}

/** The letter of /proc/PID/stat. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0];
  } catch {
    return undefined;
  }
}
