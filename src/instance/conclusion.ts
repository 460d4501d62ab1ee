import { catalogue } from '../errors/catalogue.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import { classifyEnd } from '../postgres/failure.ts';
import { describeExit, exitStatusOf } from '../process/exit-status.ts';
import type { ControlSignal } from '../process/signal-inbox.ts';
import { pause } from './deadline.ts';
import type { ServerEnd } from './server.ts';
import type { ServerNotes } from './server-notes.ts';
import { hasRoomForWal } from './wal-space.ts';

/** Milliseconds: a process that outlives its server could hold the output open for ever. */
const lastWordsPatience = 500;

/** What asks a postmaster to stop. One that has its handlers dies of none of them. */
const stopSignals: ReadonlySet<string> = new Set(['SIGTERM', 'SIGINT', 'SIGQUIT']);

/** The exit status after the end of the last server (contract 01, 1.6; the table in README.md). */
export async function concludeEnd(
  end: ServerEnd,
  about: {
    readonly fault: ManagerError | undefined;
    readonly notes: ServerNotes;
    readonly dataDirectory: string;
    readonly log: Logger;
    /** Takes out what is still in the log pipes. */
    readonly lastWords: () => Promise<void>;
  },
): Promise<number> {
  const { exit, mode } = end;
  about.log.info({ exit: describeExit(exit), mode }, 'the server has ended');
  if (about.fault !== undefined) return about.fault.exitCode;
  if (exit.code === 0 && mode === undefined) return 0;
  // It had no handlers yet, and was nothing but a process.
  if (mode !== undefined && exit.signal !== null && stopSignals.has(exit.signal)) return 0;
  const hasFailed = exit.code !== 0 && mode === undefined;
  if (hasFailed) {
    // What the server said last tells why it ended: it may still be on its way.
    await about.lastWords();
    await Promise.race([end.silent, pause(lastWordsPatience)]);
  }
  const isFull = !(await hasRoomForWal(about.dataDirectory, 'try'));
  if (hasFailed) {
    const code = classifyEnd(about.notes.messages, isFull);
    const failure = new ManagerError(code, `postgres ended with ${describeExit(exit)}`);
    about.log.error({ error: failure }, 'the server has failed');
  }
  return isFull ? catalogue.NO_SPACE.exitCode : exitStatusOf(exit);
}

/** The exit status when it never came to a server, or not to one that was left to its end. */
export function concludeFailure(
  error: unknown,
  about: {
    readonly fault: ManagerError | undefined;
    /** What asked for a stop, if anything did. */
    readonly signal: ControlSignal | undefined;
    /** A new database was being made. */
    readonly isInterrupted: boolean;
    readonly log: Logger;
  },
): number {
  const { fault, signal, isInterrupted, log } = about;
  if (fault !== undefined) return fault.exitCode;
  if (signal !== undefined) {
    log.info({ signal, interrupted: isInterrupted }, 'stopped before the server was started');
    return isInterrupted ? exitStatusOf({ code: null, signal }) : 0;
  }
  const known =
    error instanceof ManagerError ? error : new ManagerError('INTERNAL', messageOf(error), { cause: error });
  log.error({ error: known }, 'cannot start');
  return known.exitCode;
}
