import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { signalProcess } from '../../src/process/proc.ts';
import { familyOf } from './cluster-home.ts';
import { component, hasProgram } from './component.ts';
import { eventually, withDeadline } from './manager.ts';

/** Gives what follows a terminal of its own, whose keyboard is standard input. */
export const onTerminal = [
  'bash',
  '-c',
  'exec script -q -e -f -c "exec$(printf " %q" "$@")" /dev/null',
  'bash',
];
export const keys = { interrupt: '\u0003', stop: '\u0013', go: '\u0011' };

export const hasTerminals = component('script, which makes terminals', () => hasProgram('script'));

/** One command on a terminal of its own, with what it has started. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #directory: string;
  /** What has descended from it: something may be left when it has ended. */
  readonly #family = new Set<number>();
  readonly #ended: Promise<number | null>;
  text = '';

  constructor(directory: string, words: readonly string[], env: Record<string, string> = {}) {
    this.#directory = directory;
    const [program = '', ...args] = [...onTerminal, ...words];
    this.#child = spawn(program, args, {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    onTestFinished(() => this.#destroy());
  }

  press(key: keyof typeof keys): void {
    this.#look();
    this.#child.stdin?.write(keys[key]);
  }

  async shows(what: RegExp): Promise<RegExpExecArray> {
    return eventually(`${what}`, () => {
      this.#look();
      return what.exec(this.text);
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.text}`);
    });
  }

  /** How often this was shown. */
  count(what: string): number {
    return this.text.split(what).length - 1;
  }

  /** @returns the exit status of the command */
  ended(): Promise<number | null> {
    return withDeadline('the command to end', this.#ended, () => this.text);
  }

  #look(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    for (const descendant of familyOf([pid])) this.#family.add(descendant);
  }

  /** Makes an end of all that is left; a server gets the time to tidy up. */
  async #destroy(): Promise<void> {
    this.#look();
    // A number may have gone to somebody else, who works elsewhere.
    const family = [...this.#family].filter((pid) => worksBelow(pid, this.#directory));
    const isServer = (pid: number) => nameOf(pid) === 'postgres' && worksBelow(pid, this.#directory);
    const servers = family.filter(isServer);
    for (const pid of family) if (!isServer(pid)) signalProcess(pid, 'SIGKILL');
    for (const pid of servers) signalProcess(pid, 'SIGQUIT');
    await this.#ended;
    await eventually('the servers to be gone', () => !servers.some(isServer));
  }
}

function worksBelow(pid: number, directory: string): boolean {
  try {
    return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${directory}/`);
  } catch {
    return false;
  }
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
