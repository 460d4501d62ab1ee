import { constants, fstatSync, openSync, readFileSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { systemErrorCode } from '../errors/manager-error.ts';

/** Milliseconds until something that could take no more is tried again: a full disk, a terminal that is held up. */
const retryPeriod = { ENOSPC: 500, EDQUOT: 500, EAGAIN: 20 } as const;

/** Writes all bytes, however long it takes; an error means that nothing more can be written, ever. */
export type Writer = (bytes: Buffer, done: (error: Error | null | undefined) => void) => void;

/**
 * The way to write to a descriptor without ever holding up this process.
 *
 * @param onGone called when the reader is found to be gone while nothing is being written
 */
export function openWriter(fd: number, onGone: () => void): Writer {
  const kind = fstatSync(fd);
  if (kind.isFIFO() || kind.isSocket()) return streamWriter(fd, onGone);
  return threadWriter(isatty(fd) ? (openTerminal(fd, kind.rdev) ?? fd) : fd);
}

/**
 * Pipes and sockets, without blocking. libuv sets O_NONBLOCK on the open file description, which other processes share
 * that inherited the same pipe; the server does not, its output goes through pipes of its own.
 */
function streamWriter(fd: number, onGone: () => void): Writer {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', onGone);
  socket.unref();
  return (bytes, done) => {
    if (socket.destroyed) done(new Error('the reader is gone'));
    else socket.write(bytes, done);
  };
}

/** Files, terminals and devices such as /dev/null. A disk may take its time: the write happens on a thread of its own. */
function threadWriter(fd: number): Writer {
  const writeFrom: Writer = (bytes, done) => {
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      const pause = retryPeriod[systemErrorCode(error) as keyof typeof retryPeriod];
      if (pause !== undefined) setTimeout(writeFrom, pause, bytes, done).unref();
      else if (error !== null || written === bytes.length) done(error);
      else writeFrom(bytes.subarray(written), done);
    });
  };
  return writeFrom;
}

/**
 * The same terminal, opened once more, so that it can be written to without blocking (Ctrl-S stops it for as long as
 * somebody likes, and a thread that waits for it would keep the process from ending) while the shell that shares our
 * descriptor notices nothing. After the change of user it can only be opened as /dev/tty.
 */
function openTerminal(fd: number, device: number): number | undefined {
  const paths = [`/proc/self/fd/${fd}`, ...(device === controllingTerminal() ? ['/dev/tty'] : [])];
  for (const path of paths) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      // The next path, or the descriptor as it is.
    }
  }
  return undefined;
}

/** Its device number; 0 when there is none (proc(5), tty_nr). */
function controllingTerminal(): number | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
  } catch {
    return undefined;
  }
}
