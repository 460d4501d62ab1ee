import type { Children } from './children.ts';
import type { Libc, WaitStatus } from './libc.ts';

/**
 * Waits for every orphan that was handed to this process because it is PID 1 (or a subreaper): whatever its
 * name, so that no zombie stays. waitid(2) with WNOWAIT shows a zombie without taking it; those of our own
 * children are left to libuv, which needs their exit status, and looked at again once it has taken them.
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

  start(): void {
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
