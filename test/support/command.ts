import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { eventually } from './manager.ts';

const program = join(import.meta.dirname, '..', '..', 'bin', 'manager.ts');

/** A command line `manager cluster`, which is followed while the test, and what it has started, go on. */
export class Command {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(path: string, ...words: readonly string[]) {
    const args = [program, 'cluster', ...words, '--cluster-file', path];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.output += chunk;
      });
    }
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  async says(what: string): Promise<void> {
    await eventually(`"${what}" of ${this.output}`, () => this.output.includes(what));
  }
}

/** Runs one to its end. */
export async function run(
  path: string,
  ...words: readonly string[]
): Promise<{ code: number | null; output: string }> {
  const command = new Command(path, ...words);
  return { code: await command.ended, output: command.output };
}
