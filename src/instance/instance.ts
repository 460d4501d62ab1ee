import { join } from 'node:path';
import { judgeLiveness, judgeReadiness, judgeStartup } from '../alignment/health.ts';
import { freshObservation, type Observation } from '../alignment/observation.ts';
import { nextPhase, type PhaseEvent } from '../alignment/phase.ts';
import type { StopEvent } from '../alignment/stop-plan.ts';
import { catalogue } from '../errors/catalogue.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { classifyFailure } from '../postgres/failure.ts';
import { type ChildExit, describeExit, exitStatusOf } from '../process/exit-status.ts';
import type { WaitStatus } from '../process/libc.ts';
import type { ControlSignal } from '../process/signal-inbox.ts';
import type { ProbeAnswer, StatusServer } from '../server/status-server.ts';
import { writeConfigurationFiles } from './configuration-writer.ts';
import { now, pause } from './deadline.ts';
import { makeNewDatabase } from './first-boot.ts';
import { Monitor } from './monitor.ts';
import { adoptPostmaster, type Postmaster, startPostmaster } from './postmaster.ts';
import { type PreparationServices, type Prepared, prepare } from './preparation.ts';
import { reopenServerLog } from './reopen-log.ts';
import { loginOf, serverAddress, wasShutDown } from './server-access.ts';
import { ServerNotes } from './server-notes.ts';
import type { DesiredState, InstanceSettings } from './settings.ts';
import { StatusReport } from './status-report.ts';
import { Stopper } from './stopper.ts';
import { hasRoomForWal, requireRoomForWal } from './wal-space.ts';
import { Watchkeeper } from './watchkeeper.ts';

export type InstanceServices = Omit<PreparationServices, 'notes'> & {
  /** Hands over what the reaper takes: the end of a server that is not our child. */
  readonly onReaped: (listener: (status: WaitStatus) => void) => void;
};

/** Milliseconds that a starting server has the processors to itself before our listener is loaded; it needs about as much. */
const headStart = 40;
/** Milliseconds: a process that outlives its server could hold the output open for ever. */
const lastWordsPatience = 500;

const stopEvents: Record<Exclude<ControlSignal, 'SIGHUP'>, StopEvent> = {
  SIGTERM: 'stop requested',
  SIGINT: 'stop requested',
  SIGQUIT: 'immediate stop requested',
};

/**
 * One instance, from an empty or existing PGDATA to the end of its server: the only owner of the postmaster.
 * What it does and why is in `observation`; what to do is decided in src/alignment.
 */
export class Instance {
  readonly observation: Observation = freshObservation(now());
  readonly #settings: InstanceSettings;
  readonly #services: InstanceServices;
  readonly #notes = new ServerNotes(this.observation);
  /** Calls off the preparation and the initialisation; a running server is the stopper's business. */
  readonly #calledOff = new AbortController();
  readonly #report: StatusReport;
  readonly #watchkeeper: Watchkeeper;
  #desired: DesiredState | undefined;
  #prepared: Prepared | undefined;
  #statusServer: Promise<StatusServer> | undefined;
  #postmaster: Postmaster | undefined;
  #monitor: Monitor | undefined;
  #stopper: Stopper | undefined;
  #fault: ManagerError | undefined;
  #stopAsked: { readonly event: StopEvent; readonly signal: ControlSignal | undefined } | undefined;

  constructor(settings: InstanceSettings, services: InstanceServices) {
    this.#settings = settings;
    this.#services = services;
    this.#report = new StatusReport(settings.name, settings.dataDirectory, this.observation);
    this.#watchkeeper = new Watchkeeper(
      this.observation,
      settings.dataDirectory,
      () => this.#postmaster?.pid,
      () => this.#beat(),
    );
  }

  /** Lives through one server. Resolves with the exit status of the process; never rejects. */
  async run(): Promise<number> {
    try {
      return await this.#live();
    } catch (error) {
      return this.#concludeFailure(error);
    } finally {
      await this.#cleanUp();
    }
  }

  /** A signal from outside; README.md has the table of what each does. */
  control(signal: ControlSignal): void {
    if (signal === 'SIGHUP') void this.#reload();
    else this.#requestStop(stopEvents[signal], signal);
  }

  /** Something in the manager failed: the server is stopped in order, and the process ends with status 2. */
  fault(error: unknown): void {
    this.#log.error({ error }, 'internal error; stopping the server');
    this.#fault = new ManagerError('INTERNAL', messageOf(error), { cause: error });
    this.#requestStop('fault', undefined);
  }

  liveness(): ProbeAnswer {
    return judgeLiveness(this.observation, now());
  }

  readiness(): ProbeAnswer {
    return judgeReadiness(this.observation, now());
  }

  startup(): ProbeAnswer {
    return judgeStartup(this.observation, now());
  }

  /** Body of /pg/status; rejects when the server does not answer. */
  status(): Promise<object> {
    return this.#report.compose();
  }

  get #log() {
    return this.#services.logs.log;
  }

  async #live(): Promise<number> {
    const { signal } = this.#calledOff;
    const desired = await this.#settings.loadDesiredState();
    this.#desired = desired;
    const prepared = await prepare(this.#settings, { ...this.#services, notes: this.#notes }, signal);
    this.#prepared = prepared;
    this.#watchkeeper.start();
    if (prepared.isNew) await this.#makeNew(prepared, desired);
    else if (prepared.running === undefined) writeConfigurationFiles(prepared.context, desired, false);
    signal.throwIfAborted();
    await requireRoomForWal(this.#settings.dataDirectory);
    const postmaster = await this.#start(prepared);
    void pause(headStart, this.#calledOff.signal).then(() => this.#openStatusServer());
    return this.#serve(postmaster, prepared, desired);
  }

  async #makeNew({ context }: Prepared, desired: DesiredState): Promise<void> {
    desired.checkFirstBoot();
    this.#transition('first boot');
    void this.#openStatusServer();
    await makeNewDatabase({
      context,
      plan: desired.firstBoot,
      initDirectory: this.#settings.initDirectory,
      writeConfiguration: () => writeConfigurationFiles(context, desired, true),
      onStep: (step) => {
        this.observation.initStep = step;
      },
      signal: this.#calledOff.signal,
    });
  }

  async #start({ context, running }: Prepared): Promise<Postmaster> {
    if (running !== undefined) {
      this.#log.warn({ pid: running.pid }, 'taking over a server that an earlier manager left running');
      return adoptPostmaster(running.pid, this.#services.onReaped, () => wasShutDown(context.dataDirectory));
    }
    return startPostmaster({
      children: context.children,
      executable: join(context.installation.binDirectory, context.executable),
      args: ['-D', context.dataDirectory, ...this.#settings.serverArguments],
      env: context.env,
      lockDescriptor: context.lockDescriptor,
      onOutput: (stream, output) => context.logOutput(context.executable, stream, output),
    });
  }

  async #serve(postmaster: Postmaster, { context }: Prepared, desired: DesiredState): Promise<number> {
    this.#postmaster = postmaster;
    this.#transition('server started');
    const login = loginOf(desired);
    const address = () => serverAddress(context);
    const monitor = new Monitor({
      observation: this.observation,
      address,
      login,
      dataDirectory: context.dataDirectory,
      log: this.#log,
      onFirstAnswer: () => this.#transition('answered'),
    });
    this.#monitor = monitor;
    this.#report.connectTo({ address, login, clusterName: desired.clusterName });
    this.#stopper = new Stopper(
      'the server',
      postmaster,
      () => this.#desired?.stopPolicy ?? desired.stopPolicy,
      () => monitor.checkpointAndLeave(),
      this.#log,
    );
    monitor.start();
    if (this.#stopAsked !== undefined) this.#requestStop(this.#stopAsked.event, this.#stopAsked.signal);
    const exit = await postmaster.exited;
    this.#transition('server ended');
    return this.#concludeExit(exit);
  }

  #requestStop(event: StopEvent, signal: ControlSignal | undefined): void {
    this.#stopAsked ??= { event, signal };
    this.#log.info({ signal, phase: this.observation.phase }, 'stop requested');
    if (this.#stopper === undefined) {
      this.#calledOff.abort(new Error('stop requested'));
      return;
    }
    this.#transition('stop begun');
    this.#stopper.push(event);
  }

  async #reload(): Promise<void> {
    const prepared = this.#prepared;
    if (this.#postmaster === undefined || prepared === undefined) {
      this.#log.info('nothing to reload yet');
      return;
    }
    try {
      this.#desired = await this.#settings.loadDesiredState();
      const changed = writeConfigurationFiles(prepared.context, this.#desired, false);
      this.#postmaster.signal('SIGHUP');
      this.#log.info({ changed }, 'configuration reloaded');
    } catch (error) {
      this.#log.error({ error }, 'configuration not reloaded; the server keeps the one it has');
    }
  }

  async #concludeExit(exit: ChildExit): Promise<number> {
    const mode = this.#stopper?.mode;
    this.#log.info({ exit: describeExit(exit), mode }, 'the server has ended');
    if (this.#fault !== undefined) return this.#fault.exitCode;
    if (exit.code === 0 && mode === undefined) return 0;
    if (exit.code !== 0 && mode === undefined) {
      await this.#lastWords();
      const code = classifyFailure(this.#notes.messages);
      const failure = new ManagerError(code, `postgres ended with ${describeExit(exit)}`);
      this.#log.error({ error: failure }, 'the server has failed');
    }
    const full = !(await hasRoomForWal(this.#settings.dataDirectory, 'try'));
    return full ? catalogue.NO_SPACE.exitCode : exitStatusOf(exit);
  }

  /** What the server said last tells why it ended: it may still be on its way. */
  async #lastWords(): Promise<void> {
    await this.#prepared?.close();
    await Promise.race([this.#postmaster?.silent, pause(lastWordsPatience)]);
  }

  #concludeFailure(error: unknown): number {
    if (this.#fault !== undefined) return this.#fault.exitCode;
    const signal = this.#stopAsked?.signal;
    if (signal !== undefined) {
      const interrupted = this.observation.phase === 'initialising';
      this.#log.info({ signal, interrupted }, 'stopped before the server was started');
      return interrupted ? exitStatusOf({ code: null, signal }) : 0;
    }
    const known =
      error instanceof ManagerError
        ? error
        : new ManagerError('INTERNAL', messageOf(error), { cause: error });
    this.#log.error({ error: known }, 'cannot start');
    return known.exitCode;
  }

  #transition(event: PhaseEvent): void {
    const { phase } = this.observation;
    const next = nextPhase(phase, event);
    if (next === undefined) throw new Error(`"${event}" cannot happen while ${phase}`);
    if (next === phase) return;
    this.observation.phase = next;
    this.observation.phaseSince = now();
    this.#log.info(
      { from: phase, to: next, uptimeMs: Math.round(process.uptime() * 1000) },
      `instance is ${next}`,
    );
  }

  /** Probes come second: the server does not wait for the listener, nor the listener for the server. */
  async #openStatusServer(): Promise<void> {
    if (this.#statusServer !== undefined) return;
    this.#statusServer = import('../server/status-server.ts').then(async ({ StatusServer }) => {
      const server = new StatusServer(this);
      const port = await server.listen(this.#settings.statusPort, this.#settings.statusHost);
      this.#log.info({ port }, 'status server listens');
      return server;
    });
    await this.#statusServer.catch((error: unknown) => {
      this.#log.error({ error }, 'no status server');
      this.#fault =
        error instanceof ManagerError
          ? error
          : new ManagerError('INTERNAL', messageOf(error), { cause: error });
      this.#requestStop('fault', undefined);
    });
  }

  #beat(): void {
    const { serverLog, context } = this.#prepared ?? {};
    if (serverLog === undefined || context === undefined) return;
    if (serverLog.checkPipes() && this.#postmaster !== undefined) reopenServerLog(context, this.#postmaster);
  }

  /** However this ended: no server is left behind, and none is killed without need. */
  async #cleanUp(): Promise<void> {
    if (this.#postmaster !== undefined && this.observation.phase !== 'stopped') {
      this.#postmaster.signal('SIGINT');
      await this.#postmaster.exited;
    }
    this.#watchkeeper.stop();
    await this.#monitor?.stop();
    await this.#prepared?.close();
    const statusServer = await this.#statusServer?.catch(() => undefined);
    statusServer?.close();
  }
}
