import type { Children } from './children.ts';
import type { Libc, WaitStatus } from './libc.ts';

/**
 * Waits for every orphan that is handed to this process, because it is PID 1 or because it asks for those of its
 * descendants: whatever their name, so that no zombie stays. waitid(2) with WNOWAIT shows a zombie without taking it;
 * those of our own children are left to libuv, which needs their exit status, and looked at again once it has taken them.
 */
export class Reaper {
  readonly #libc: Libc;
  readonly #children: Children;
  readonly #onReaped: (status: WaitStatus) => void;

  constructor(libc: Libc, children: Children, onReaped: (status: WaitStatus) => void) {
    this.#libc = libc;
    this.#children = children;
    this.#onReaped = onReaped;
  }

  /** Outside of a PID namespace of our own the real process 1 may be something that waits for nobody. */
  start(): void {
    if (process.pid !== 1) this.#libc.becomeSubreaper();
    process.on('SIGCHLD', () => this.sweep());
    this.#children.onGone(() => this.sweep());
    this.sweep();
  }

  /** Reaps all orphans that have ended by now. */
  sweep(): void {
    for (;;) {
      const pid = this.#libc.peekZombie();
      if (pid === undefined || this.#children.has(pid)) return;
      const status = this.#libc.reap(pid);
      if (status === undefined) return;
      this.#onReaped(status);
    }
  }
}
