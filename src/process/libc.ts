import type * as Ffi from 'node:ffi';

/**
 * The few C library calls that Node does not offer, through node:ffi (Node >= 26.10).
 * Constants are those of Linux on every architecture that Node supports (asm-generic).
 */

const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EAGAIN = 11;
const F_SETPIPE_SZ = 1031;
/** What an unprivileged process may ask for by default (fs.pipe-max-size). */
const largestPipe = 1024 * 1024;
const PR_SET_CHILD_SUBREAPER = 36;
/** Offsets into siginfo_t for SIGCHLD: the union begins at 16 on 64-bit systems. */
const SI_PID = 16;

/** How a process ended: an exit code, or the number of the signal that killed it. */
export interface WaitStatus {
  readonly pid: number;
  readonly exitCode: number | undefined;
  readonly signal: number | undefined;
}

export interface Libc {
  /** mkfifo(3). Throws with `code` EEXIST and the like. */
  mkfifo(path: string, mode: number): void;
  /**
   * flock(2), exclusive, without waiting, on an open descriptor (directories too).
   * `unsupported` is the answer of file systems that have no such lock.
   */
  lockExclusively(fd: number): 'held' | 'taken' | 'unsupported';
  /** Gives a pipe the largest buffer that is allowed, so that neither end waits for the other's next turn. */
  enlargePipe(fd: number): void;
  /** A child that has ended and was not waited for, left as it is; undefined when there is none. */
  peekZombie(): number | undefined;
  /** waitpid(2) for one process, without waiting. */
  reap(pid: number): WaitStatus | undefined;
  /** Makes this process adopt orphaned descendants, as PID 1 of a namespace does. */
  becomeSubreaper(): void;
}

/** Opens the C library of this process. Throws when the runtime has no node:ffi. */
export function openLibc(): Libc {
  const ffi = process.getBuiltinModule('node:ffi') as typeof Ffi | undefined;
  if (ffi === undefined)
    throw new Error(`Node ${process.version} has no node:ffi; Node 26.10 or newer is needed`);
  const { functions: c } = ffi.dlopen(null, {
    mkfifo: { arguments: ['string', 'u32'], return: 'i32' },
    flock: { arguments: ['i32', 'i32'], return: 'i32' },
    fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    waitid: { arguments: ['i32', 'i32', 'pointer', 'i32'], return: 'i32' },
    waitpid: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  });
  const errno = () => ffi.getInt32(c.__errno_location());
  const siginfo = Buffer.alloc(128);
  const status = Buffer.alloc(4);
  return {
    mkfifo(path, mode) {
      if (c.mkfifo(path, mode) === 0) return;
      const number = errno();
      const error: NodeJS.ErrnoException = new Error(`mkfifo ${path}: errno ${number}`);
      error.errno = number;
      if (number === 17) error.code = 'EEXIST';
      throw error;
    },
    lockExclusively(fd) {
      if (c.flock(fd, LOCK_EX | LOCK_NB) === 0) return 'held';
      return errno() === EAGAIN ? 'taken' : 'unsupported';
    },
    enlargePipe(fd) {
      // Refused for what is no pipe, and beyond the limits of the machine: then it stays as it is.
      c.fcntl(fd, F_SETPIPE_SZ, largestPipe);
    },
    peekZombie() {
      siginfo.fill(0);
      if (c.waitid(P_ALL, 0, siginfo, WEXITED | WNOHANG | WNOWAIT) !== 0) return undefined;
      const pid = siginfo.readInt32LE(SI_PID);
      return pid === 0 ? undefined : pid;
    },
    reap(pid) {
      if (c.waitpid(pid, status, WNOHANG) !== pid) return undefined;
      const word = status.readInt32LE(0);
      const signal = word & 0x7f;
      return signal === 0
        ? { pid, exitCode: (word >> 8) & 0xff, signal: undefined }
        : { pid, exitCode: undefined, signal };
    },
    becomeSubreaper() {
      c.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
    },
  };
}
