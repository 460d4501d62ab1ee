import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/**
 * The processes that this program started itself. libuv waits for them, so the reaper must not: a stolen exit
 * status would look to us like a child that never ended. Every start goes through here.
 */
export class Children {
  readonly #pids = new Set<number>();
  readonly #onGone: Array<() => void> = [];

  /** child_process.spawn, remembered until the exit event. Never goes through a shell. */
  spawn(file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn(file, args, { ...options, shell: false });
    const { pid } = child;
    if (pid === undefined) return child;
    this.#pids.add(pid);
    child.once('exit', () => {
      this.#pids.delete(pid);
      for (const listener of this.#onGone) listener();
    });
    return child;
  }

  has(pid: number): boolean {
    return this.#pids.has(pid);
  }

  /** Calls back whenever a child was waited for and forgotten. */
  onGone(listener: () => void): void {
    this.#onGone.push(listener);
  }
}
