import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { isIgnored } from './proc.ts';

/** Where every process of a server has its data directory open, with the lock on it; see startPostmaster. */
const lockDescriptor = 3;
/** The kernel keeps so much of the name of a program (TASK_COMM_LEN). */
const longestName = 15;

/** By what the processes of one server are known, also when its postmaster, and maybe the storage, is gone. */
export interface ServerMark {
  readonly device: number;
  readonly inode: number;
  /** Without symbolic links. */
  readonly path: string;
  /** File name of the server's program. */
  readonly executable: string;
}

/** Throws the system's error when the directory cannot be looked at. */
export function markServer(dataDirectory: string, executable: string): ServerMark {
  const { dev: device, ino: inode } = statSync(dataDirectory);
  return { device, inode, path: realpathSync(dataDirectory), executable };
}

/**
 * What is left of a server whose postmaster has ended. A process of it notices that when it next waits for something; one
 * that computes goes on, and commits (PostgreSQL manual, 19.5, on SIGKILL).
 *
 * It is what has inherited the lock on the directory from the postmaster, runs its program, and is ours. The log collector,
 * which ignores SIGQUIT as no other process of a server does (SysLoggerMain), does not count: it writes nothing but the log,
 * and ends by itself when it has written down what the others said.
 *
 * @returns process ids
 */
export function findLeftBehind(mark: ServerMark): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => isLeftBehind(name, mark))
    .map(Number);
}

function isLeftBehind(pid: string, mark: ServerMark): boolean {
  try {
    if (statSync(`/proc/${pid}`).uid !== process.geteuid?.() || !isOpenIn(pid, mark)) return false;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const name = /^Name:\t(.*)$/m.exec(status)?.[1];
    return name === mark.executable.slice(0, longestName) && !isIgnored(status, 'SIGQUIT');
  } catch {
    // It has ended meanwhile, or does not let itself be looked at, as no process of a server would.
    return false;
  }
}

/** The name of the directory counts only when the storage does not answer: it says nothing in the mounts of another container. */
function isOpenIn(pid: string, { device, inode, path }: ServerMark): boolean {
  const link = `/proc/${pid}/fd/${lockDescriptor}`;
  try {
    const { dev, ino } = statSync(link);
    return dev === device && ino === inode;
  } catch (error) {
    const isAbsent = ['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
    return !isAbsent && readlinkSync(link) === path;
  }
}
