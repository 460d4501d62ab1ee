import { connect } from 'node:net';
import { lacksReceiver } from '../alignment/receiver.ts';
import { now, pause } from './deadline.ts';
import { startupProcessOf } from './recovery-step.ts';
import type { StepContext } from './step-context.ts';

/** Milliseconds between two looks whether the primary listens: the first, and the longest; each is twice the one before. */
const firstWait = 100;
const longestWait = 1_600;
/** Milliseconds in which a primary that listens takes a connection. */
const patience = 1_000;

/**
 * Lets a standby connect to its primary as soon as that listens. The startup process would try it every
 * wal_retrieve_retry_interval (5 s), blindly, and what waits for a synchronous standby waits as long. A HUP wakes it from that
 * pause, as a reload would do (xlogrecovery.c, WaitForWALToBecomeAvailable; StartupProcSigHupHandler).
 *
 * Whoever only connects and leaves makes no line in the log of the primary (PostgreSQL 14 and newer).
 */
export class ReceiverNudge {
  readonly #step: StepContext;
  readonly #stopped: AbortSignal;
  /** When the receiver said last that it has lost its source. */
  #lostAt = Number.NEGATIVE_INFINITY;
  #isBusy = false;

  constructor(step: StepContext, stopped: AbortSignal) {
    this.#step = step;
    this.#stopped = stopped;
  }

  /** The WAL receiver has told of trouble with its connection. */
  disconnected(): void {
    this.#lostAt = now();
    this.look();
  }

  /** Something may have changed. */
  look(): void {
    if (!this.#isBusy && this.#isWanted) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    let wait = firstWait;
    while (this.#isWanted) {
      const primary = this.#step.desired().replication?.primary;
      if (primary !== undefined && (await listens(primary)) && this.#isWanted) this.#nudge();
      await pause(wait, this.#stopped);
      wait = Math.min(2 * wait, longestWait);
    }
    this.#isBusy = false;
  }

  get #isWanted(): boolean {
    return !this.#stopped.aborted && lacksReceiver(this.#step.observation, this.#lostAt);
  }

  #nudge(): void {
    const startup = startupProcessOf(this.#step.server.postmaster?.pid);
    if (startup === undefined) return;
    try {
      process.kill(startup, 'SIGHUP');
    } catch {
      // It has ended, and with it the server.
    }
  }
}

function listens({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(patience, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => finish(true));
  });
}
