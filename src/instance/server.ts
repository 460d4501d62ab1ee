import { join } from 'node:path';
import { forgetServer, type Observation } from '../alignment/observation.ts';
import type { PhaseEvent } from '../alignment/phase.ts';
import {
  checkpointPatience,
  type StopEvent,
  type StopMode,
  type StopPolicy,
} from '../alignment/stop-plan.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { Login } from '../postgres/io/connection.ts';
import { formatLsn } from '../postgres/lsn.ts';
import type { ChildExit } from '../process/exit-status.ts';
import { markServer, type ServerMark } from '../process/left-behind.ts';
import type { WaitStatus } from '../process/libc.ts';
import { dataRoleOf } from './data-role.ts';
import { endLeftBehind } from './left-behind.ts';
import { Monitor } from './monitor.ts';
import { adoptPostmaster, type Postmaster, startPostmaster } from './postmaster.ts';
import { readControlFile, serverAddress, wasShutDown } from './server-access.ts';
import type { ServerContext } from './server-context.ts';
import { Stopper } from './stopper.ts';
import type { RunningServer } from './takeover.ts';

/** How one server came to its end. */
export interface ServerEnd {
  readonly exit: ChildExit;
  /** The mode in which it was stopped; undefined when nobody asked. */
  readonly mode: StopMode | undefined;
  /** What asked first. */
  readonly cause: StopEvent | undefined;
  /** Resolves when its last words are in the log. */
  readonly silent: Promise<void>;
}

export interface ServerOptions {
  readonly context: ServerContext;
  readonly observation: Observation;
  readonly log: Logger;
  readonly login: () => Login;
  /** Arguments after `-D PGDATA`. */
  readonly serverArguments: readonly string[];
  readonly policyFor: (cause: StopEvent) => StopPolicy;
  readonly onReaped: (listener: (status: WaitStatus) => void) => void;
  readonly transition: (event: PhaseEvent) => void;
  /** Something about the running server has changed: it answers, its role, its receiver. */
  readonly onNews: () => void;
  readonly onEnd: (end: ServerEnd) => void;
  /** The end of a server that was taken over has freed PGDATA: locks it, before anything is done there. Never rejects. */
  readonly lock: () => Promise<void>;
  /** Whether standbys, and another primary, are to be looked at. */
  readonly isShared: boolean;
}

/** The server of one data directory: one postmaster at a time, started, watched and stopped here and nowhere else. */
export class Server {
  readonly #options: ServerOptions;
  readonly #mark: ServerMark;
  #postmaster: Postmaster | undefined;
  #monitor: Monitor | undefined;
  #stopper: Stopper | undefined;
  #cause: StopEvent | undefined;
  #isAdopted = false;
  #startedWith: 'primary' | 'standby' | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#mark = markServer(options.context.dataDirectory, options.context.executable);
  }

  /** The present one, until its end has been noticed, and nothing of it is left. */
  get postmaster(): Postmaster | undefined {
    return this.#postmaster;
  }

  get monitor(): Monitor | undefined {
    return this.#monitor;
  }

  get stopMode(): StopMode | undefined {
    return this.#stopper?.mode;
  }

  /** The present one was started by an earlier manager; nobody knows what it was told since. */
  get isAdopted(): boolean {
    return this.#isAdopted;
  }

  /** As what the present one began, by its files; undefined: there is none, or they did not tell. */
  get startedWith(): 'primary' | 'standby' | undefined {
    return this.#startedWith;
  }

  /** Resolves when the present server, if any, has ended. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  /** Starts it with the role that its files give it. Rejects when the program cannot be started. */
  async start(): Promise<void> {
    const { context, serverArguments } = this.#options;
    this.#noteControlFile('before the start');
    this.#attach(
      await startPostmaster({
        children: context.children,
        executable: join(context.installation.binDirectory, context.executable),
        args: ['-D', context.dataDirectory, ...serverArguments],
        env: context.env,
        lockDescriptor: context.lockDescriptor,
        onOutput: (stream, output) => context.logOutput(context.executable, stream, output),
      }),
    );
  }

  adopt(running: RunningServer): void {
    const { context, log, onReaped } = this.#options;
    this.#isAdopted = true;
    log.warn({ pid: running.pid }, 'taking over a server that an earlier manager left running');
    this.#attach(adoptPostmaster(running.pid, onReaped, () => wasShutDown(context.dataDirectory)));
  }

  /** Begins a stop, or makes the one under way harder; the end is told to `onEnd`. */
  stop(event: StopEvent): void {
    if (this.#stopper === undefined) return;
    this.#cause ??= event;
    this.#options.transition('stop begun');
    this.#stopper.push(event);
  }

  /** False when there is no server. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#postmaster?.signal(signal) ?? false;
  }

  /** Both sides of every server in the log, as the reference has them (contract 02, 10.7), without a program for it. */
  #noteControlFile(when: string): void {
    const { context } = this.#options;
    const control = readControlFile(context.dataDirectory);
    if (control === undefined) return;
    const { systemIdentifier, clusterState, checkpoint, redo, timeline } = control;
    context.named('pg_controldata').info(
      {
        system_identifier: systemIdentifier,
        cluster_state: clusterState,
        checkpoint: formatLsn(checkpoint),
        redo: formatLsn(redo),
        timeline,
      },
      `${when}: ${clusterState}`,
    );
  }

  #attach(postmaster: Postmaster): void {
    const { context, observation, log, login, transition, onNews, policyFor, isShared } = this.#options;
    forgetServer(observation);
    this.#postmaster = postmaster;
    const data = dataRoleOf(context.dataDirectory);
    this.#startedWith = data === 'primary' || data === 'standby' ? data : undefined;
    this.#cause = undefined;
    transition('server started');
    const monitor = new Monitor({
      observation,
      address: () => serverAddress(context),
      login: login(),
      dataDirectory: context.dataDirectory,
      log,
      isShared,
      onFirstAnswer: () => transition('answered'),
      onNews,
    });
    this.#monitor = monitor;
    this.#stopper = new Stopper(
      'the server',
      postmaster,
      policyFor,
      (event) => monitor.checkpointAndLeave(checkpointPatience(event)),
      log,
    );
    observation.isRestarting = false;
    monitor.start();
    this.#ended = postmaster.exited.then((exit) => this.#finish(postmaster, exit));
  }

  async #finish(postmaster: Postmaster, exit: ChildExit): Promise<void> {
    const { observation, transition, onEnd, lock, log } = this.#options;
    const end = { exit, mode: this.stopMode, cause: this.#cause, silent: postmaster.silent };
    // It would take whoever has its number by now for the server.
    this.#stopper = undefined;
    await endLeftBehind(this.#mark, log);
    if (this.#isAdopted) await lock();
    this.#noteControlFile('after the end');
    this.#postmaster = undefined;
    this.#startedWith = undefined;
    this.#isAdopted = false;
    const monitor = this.#monitor;
    this.#monitor = undefined;
    transition('server ended');
    forgetServer(observation);
    onEnd(end);
    await monitor?.stop();
  }
}
