import type { Logger } from '../logs/manager-log.ts';
import { findLeftBehind, type ServerMark } from '../process/left-behind.ts';
import { signalProcess } from '../process/proc.ts';
import { now, pause } from './deadline.ts';

const pollPeriod = 5;
/**
 * Milliseconds in which what has just been started learns to live without its server: a log collector ignores SIGQUIT only
 * after some of them, and has the server's last words. The lease is still ours meanwhile.
 */
const grace = 250;
/** Milliseconds after which a process that was killed and is still there is worth a second word. */
const killPatience = 2_000;

/**
 * Kills what a server has left behind, whatever it ended by, and waits until the directory is free of it. One that the kernel
 * does not end before its storage answers is waited for: until then this is as good as a server that runs. Never rejects.
 */
export async function endLeftBehind(mark: ServerMark, log: Logger): Promise<void> {
  const begun = now();
  let isTold = false;
  let isHanging = false;
  for (; ; await pause(pollPeriod)) {
    const pids = findLeftBehind(mark);
    if (pids.length === 0) return;
    if (now() - begun < grace) continue;
    for (const pid of pids) signalProcess(pid, 'SIGKILL');
    if (!isTold) log.warn({ pids }, 'processes of the server have outlived it: they are killed');
    isTold = true;
    if (!isHanging && now() - begun > killPatience) {
      isHanging = true;
      log.error({ pids }, 'processes of the server do not end: the kernel waits for their storage');
    }
  }
}
