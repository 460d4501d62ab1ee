import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineSplitter } from '../../logs/line-splitter.ts';
import { describeExit } from '../../process/exit-status.ts';
import { ImpossibleError } from './impossible-error.ts';
import { type ManagerLine, readManagerLine } from './manager-line.ts';
import type { Place, Stage } from './place.ts';
import { isFrozen, killAllIn, processesIn } from './processes.ts';

const program = fileURLToPath(new URL('../../../bin/manager.ts', import.meta.url));

export interface InstanceEvents {
  /** A line of the manager's own log. */
  readonly onLine: (line: ManagerLine) => void;
  readonly onEnd: (how: string) => void;
}

/** The processes of one instance: a manager, and what it starts. */
export class InstanceProcess {
  readonly place: Place;
  readonly #stage: Stage;
  readonly #events: InstanceEvents;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #end = 'not started';

  constructor(place: Place, stage: Stage, events: InstanceEvents) {
    this.place = place;
    this.#stage = stage;
    this.#events = events;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get state(): 'running' | 'frozen' | 'ended' {
    if (this.#child?.pid === undefined) return 'ended';
    return isFrozen(this.#child.pid) ? 'frozen' : 'running';
  }

  /** How the last manager ended. */
  get end(): string {
    return this.#end;
  }

  /** Whether a server runs, whatever its manager does. */
  get hasServer(): boolean {
    return processesIn(this.place.home).some((found) => found.program === 'postgres');
  }

  start(): void {
    if (this.#child !== undefined) throw new ImpossibleError('it runs already');
    const child = spawn(process.execPath, [program, ...this.#arguments()], {
      cwd: this.place.home,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: process.env.LANG,
        // Nobody but this machine can reach it, and everybody here may look at it.
        POSTGRES_HOST_AUTH_METHOD: 'trust',
      },
      // Ctrl-C of the terminal is for the demo alone, which then stops them in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#keepLog(child);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    const end = (how: string) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#end = how;
      this.#events.onEnd(how);
      resolve();
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(describeExit({ code, signal })));
  }

  /** kill -9 of everything at once, as when a machine loses power. */
  async kill(): Promise<void> {
    if (this.#child === undefined && !this.hasServer) throw new ImpossibleError('nothing of it runs');
    await killAllIn(this.place.home);
  }

  freeze(): void {
    if (this.state !== 'running') throw new ImpossibleError(`its manager is ${this.state}`);
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    if (this.state !== 'frozen') throw new ImpossibleError('its manager is not frozen');
    this.#child?.kill('SIGCONT');
  }

  stop(): void {
    if (this.state !== 'running') throw new ImpossibleError(`its manager is ${this.state}`);
    this.#child?.kill('SIGTERM');
  }

  /** Ends it in order at the end of the demo, also one that is frozen. Resolves when the manager has ended. */
  async finish(): Promise<void> {
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGTERM');
    await this.#ended;
  }

  #arguments(): string[] {
    const { name, home, dataDirectory, port, statusPort } = this.place;
    const run = join(home, 'run');
    return [
      ...['--log-format=json', 'instance', 'run', '--pod-name', name],
      ...['--cluster-file', this.#stage.clusterFile, '--bindir', this.#stage.binDirectory],
      ...['--pg-data', dataDirectory, '--runtime-dir', join(run, 'private'), '--socket-dir', run],
      ...['--init-dir', join(home, 'none'), '--port', String(port)],
      ...['--status-port', String(statusPort), '--status-address', '127.0.0.1'],
    ];
  }

  #keepLog({ stdout, stderr }: ChildProcess): void {
    const log = createWriteStream(join(this.place.home, 'log'), { flags: 'a' });
    log.on('error', () => {});
    const splitter = new LineSplitter((line) => {
      const read = readManagerLine(line);
      if (read !== undefined) this.#events.onLine(read);
    });
    stdout?.on('data', (chunk: Buffer) => {
      log.write(chunk);
      splitter.push(chunk);
    });
    stderr?.on('data', (chunk: Buffer) => log.write(chunk));
  }
}
