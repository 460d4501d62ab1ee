import type * as Ffi from 'node:ffi';
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

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
const { EAGAIN, EINVAL, ENOSYS, EOPNOTSUPP } = constants.errno;
/** Directory argument of the *at calls: paths are relative to the working directory. */
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;
const F_SETPIPE_SZ = 1031;
/** What an unprivileged process may ask for by default (fs.pipe-max-size). */
const largestPipe = 1024 * 1024;
const PR_SET_CHILD_SUBREAPER = 36;
const CLOCK_BOOTTIME = 7;
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
  /**
   * renameat2(2) with RENAME_EXCHANGE: each of two files gets the other's name, in one step. False when the file system
   * cannot do that. Throws with `code` ENOENT when one of them is not there.
   */
  exchange(path: string, other: string): boolean;
  /** Gives a pipe the largest buffer that is allowed, so that neither end waits for the other's next turn. */
  enlargePipe(fd: number): void;
  /** A child that has ended and was not waited for, left as it is; undefined when there is none. */
  peekZombie(): number | undefined;
  /** waitpid(2) for one process, without waiting. */
  reap(pid: number): WaitStatus | undefined;
  /** Milliseconds since the machine started, those in which it slept included (CLOCK_BOOTTIME). */
  bootTime(): number;
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
    renameat2: { arguments: ['i32', 'string', 'i32', 'string', 'u32'], return: 'i32' },
    fcntl: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
    waitid: { arguments: ['i32', 'i32', 'pointer', 'i32'], return: 'i32' },
    waitpid: { arguments: ['i32', 'pointer', 'i32'], return: 'i32' },
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    clock_gettime: { arguments: ['i32', 'pointer'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  });
  const errno = () => ffi.getInt32(c.__errno_location());
  const siginfo = Buffer.alloc(128);
  const status = Buffer.alloc(4);
  const timespec = Buffer.alloc(16);
  return {
    mkfifo(path, mode) {
      if (c.mkfifo(path, mode) === 0) return;
      const number = errno();
      throw systemError(`mkfifo ${path}`, number);
    },
    lockExclusively(fd) {
      if (c.flock(fd, LOCK_EX | LOCK_NB) === 0) return 'held';
      return errno() === EAGAIN ? 'taken' : 'unsupported';
    },
    exchange(path, other) {
      if (c.renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE) === 0) return true;
      const number = errno();
      if ([EINVAL, ENOSYS, EOPNOTSUPP].includes(number)) return false;
      throw systemError(`exchange ${path}, ${other}`, number);
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
    bootTime() {
      c.clock_gettime(CLOCK_BOOTTIME, timespec);
      return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6;
    },
    becomeSubreaper() {
      c.prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
    },
  };
}

/** As Node's own system errors: `code` is the name of the number. */
function systemError(what: string, number: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-number);
  return Object.assign(new Error(`${what}: ${code}`), { errno: -number, code });
}
