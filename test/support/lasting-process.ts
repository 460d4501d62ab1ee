import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { eventually } from './eventually.ts';

/** A server that a test file keeps: in its own process group, killed by the kernel when this process dies. */
export class LastingProcess {
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #ended: Promise<void>;

  /** @param log path of a file for all that it says; it is added to */
  constructor(program: string, args: readonly string[], log: string) {
    this.#log = log;
    const output = openSync(log, 'a');
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    this.#ended = new Promise((resolve, reject) =>
      this.#child.once('error', reject).once('exit', () => resolve()),
    );
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until it works. Ends it when it does not come to that, and tells what it said last. */
  async ready(what: string, look: () => Promise<boolean>): Promise<void> {
    const failure = (text: string) => {
      const said = readFileSync(this.#log, 'utf8').split('\n').slice(-30).join('\n');
      return new Error(`${what}: ${text}\n${said}`);
    };
    await eventually(what, () => {
      if (!this.#isRunning) throw new Error('it has ended');
      return look();
    }).catch(async (error: Error) => {
      await this.stop('SIGKILL');
      throw failure(error.message);
    });
  }

  /** Ends it and waits until it is gone; does nothing when it is gone already. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#isRunning && this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    await this.#ended;
  }
}
