import { freshObservation, type Observation } from '../alignment/observation.ts';
import { nextPhase, type PhaseEvent } from '../alignment/phase.ts';
import type { WaitStatus } from '../process/libc.ts';
import type { ControlSignal } from '../process/signal-inbox.ts';
import { Aligner } from './aligner.ts';
import type { Certificates } from './certificates.ts';
import { now, pause } from './deadline.ts';
import { EarlyPromise } from './early-promise.ts';
import { Ending } from './ending.ts';
import type { FailoverQuorum } from './failover-quorum.ts';
import { firstReading } from './first-reading.ts';
import { Listener } from './listener.ts';
import { openPodPart, openQuorum } from './pod-part.ts';
import { type PreparationServices, type Prepared, prepare } from './preparation.ts';
import { reopenServerLog } from './reopen-log.ts';
import { Server } from './server.ts';
import { loginOf } from './server-access.ts';
import { serverArguments } from './server-arguments.ts';
import { ServerNotes, type StandbyTrouble } from './server-notes.ts';
import type { ClusterBinding, InstanceSettings } from './settings.ts';
import { openSharing, type Sharing } from './sharing.ts';
import { StatusReport } from './status-report.ts';
import { freshFindings, type StepContext } from './step-context.ts';
import type { Upkeep } from './upkeep.ts';
import { Watchkeeper } from './watchkeeper.ts';
import { Wishes } from './wishes.ts';

export type InstanceServices = Omit<PreparationServices, 'notes' | 'impatience'> & {
  /** Hands over what the reaper takes: the end of a server that is not our child. */
  readonly onReaped: (listener: (status: WaitStatus) => void) => void;
};

/** Milliseconds that a starting server has the processors to itself before our listener is loaded; it needs about as much. */
const headStart = 40;
/** Milliseconds in which the lease must be given back at the end: the store of a cluster that is going down may be gone. */
const releasePatience = 3_000;

/**
 * One instance, from an empty or existing PGDATA to the end of the process: it joins what observes, what decides and what
 * acts. What it does and why is in `observation`.
 */
export class Instance {
  readonly observation: Observation = freshObservation(now());
  readonly #settings: InstanceSettings;
  readonly #services: InstanceServices;
  readonly #findings = freshFindings();
  readonly #ending: Ending;
  readonly #notes: ServerNotes;
  #wishes: Wishes | undefined;
  readonly #report: StatusReport;
  readonly #listener: Listener;
  readonly #watchkeeper: Watchkeeper;
  #certificates: Certificates | undefined;
  #prepared: Prepared | undefined;
  #server: Server | undefined;
  #sharing: Sharing | undefined;
  #aligner: Aligner | undefined;
  #upkeep: Upkeep | undefined;
  #quorum: FailoverQuorum | undefined;

  constructor(settings: InstanceSettings, services: InstanceServices) {
    this.#settings = settings;
    this.#services = services;
    this.#ending = new Ending(this.observation, this.#log);
    this.#notes = new ServerNotes(this.observation, (kind, text) => this.#noteTrouble(kind, text));
    this.#report = new StatusReport(settings, this.observation, () => this.#certificates?.peerTls());
    this.#listener = new Listener(
      this.#report,
      settings,
      () => this.#certificates?.serverPair(),
      this.#log,
      (error) => this.#ending.giveUp(error, 'no status server'),
    );
    this.#watchkeeper = new Watchkeeper(
      this.observation,
      settings.dataDirectory,
      () => this.#server?.postmaster?.pid,
      () => this.#aligner?.isStuck !== true,
      () => this.#beat(),
    );
  }

  /** Lives until the process is to end. Resolves with its exit status; never rejects. */
  async run(): Promise<number> {
    try {
      return await this.#live();
    } catch (error) {
      return this.#ending.concludeFailure(error);
    } finally {
      await this.#cleanUp();
    }
  }

  /** A signal from outside; README.md has the table of what each does. */
  control(signal: ControlSignal): void {
    if (signal === 'SIGHUP') void this.#reload();
    else this.#ending.requestBy(signal);
  }

  /** Something in the manager failed: the server is stopped in order, and the process ends with status 2. */
  fault(error: unknown): void {
    this.#ending.giveUp(error, 'internal error; stopping the server');
  }

  get #log() {
    return this.#services.logs.log;
  }

  async #live(): Promise<number> {
    const signal = this.#ending.calledOff;
    const { libc } = this.#services;
    // Whoever waits for the Cluster is alive, too.
    this.#watchkeeper.start();
    const binding = await this.#settings.bindCluster();
    const wishes = new Wishes(binding, libc.bootTime, this.#log);
    this.#wishes = wishes;
    const pod =
      binding.secrets === undefined
        ? undefined
        : await openPodPart(binding.secrets, () => void this.#listener.renew());
    this.#certificates = pod?.certificates;
    const early = new EarlyPromise(this.#settings.name, this.#settings.dataDirectory, libc.bootTime);
    this.#report.promiseBy((question) => early.give(question));
    const sayWaiting = (why: string) => this.#sayWaiting(why);
    const reading = await firstReading(wishes, signal, sayWaiting);
    const newest = () => wishes.view.latest?.cluster ?? reading.cluster;
    await pod?.duties.awaitCertificates(newest, signal, sayWaiting);
    const services = { ...this.#services, notes: this.#notes, impatience: this.#ending.impatience };
    const prepared = await prepare(this.#settings, services, signal);
    this.#prepared = prepared;
    await binding.claimName?.(signal);
    signal.throwIfAborted();
    const server = this.#openServer(prepared, wishes);
    const quorum = await openQuorum(binding.source);
    this.#quorum = quorum;
    const step = this.#stepContext(prepared, server, wishes, binding);
    this.#report.connectTo(step);
    const sharing = await openSharing(step, {
      source: binding.source,
      spec: reading.cluster.spec,
      isTakingOver: prepared.running !== undefined,
      onLeaseChange: (isStanding) => (isStanding ? this.#wake() : this.#aligner?.wake()),
      askOthers: await pod?.vouchers(step),
      pod: pod === undefined ? undefined : { podDuties: pod.duties, quorum },
      early,
      onPromiser: (promise) => this.#report.promiseBy(promise),
    });
    this.#sharing = sharing;
    const aligner = new Aligner(step, sharing, libc.bootTime, () => this.#upkeep?.trigger());
    this.#aligner = aligner;
    this.#ending.handOverTo(aligner);
    wishes.view.onChange(() => this.#wake());
    if (prepared.running !== undefined) {
      server.adopt(prepared.running);
      // Its certificates may have been changed while nobody could tell it, by this process or by one that died right after.
      if (pod !== undefined) server.signal('SIGHUP');
    }
    if (wishes.isShared) this.#upkeep = await sharing.openUpkeep?.(await this.#listener.open());
    this.#upkeep?.trigger();
    const end = await aligner.run();
    if (end === undefined) return this.#ending.concludeFailure(new Error('stop requested'));
    const { dataDirectory } = this.#settings;
    return this.#ending.concludeEnd(end, {
      ...{ notes: this.#notes, dataDirectory },
      lastWords: () => prepared.close(),
    });
  }

  /** Why there is no server yet, for probes and the log; the same is said once. */
  #sayWaiting(why: string): void {
    if (why !== this.observation.initStep) this.#log.warn(why);
    this.observation.initStep = why;
    if (!this.#settings.hasStatusTls || this.#certificates?.serverPair() !== undefined)
      void this.#listener.open();
  }

  #openServer({ context, lock }: Prepared, wishes: Wishes): Server {
    const server = new Server({
      context,
      observation: this.observation,
      log: this.#log,
      login: () => loginOf(wishes.present),
      serverArguments: serverArguments(this.#settings, context),
      policyFor: (cause) => wishes.present.policyFor(cause),
      onReaped: this.#services.onReaped,
      transition: (event) => this.#transition(event),
      onNews: () => this.#wake(),
      onEnd: (end) => this.#aligner?.serverEnded(end),
      lock: () => lock().catch((error: unknown) => this.#ending.giveUp(error, 'PGDATA cannot be locked')),
      isShared: wishes.isShared,
    });
    this.#server = server;
    return server;
  }

  #stepContext(
    { context }: Prepared,
    server: Server,
    wishes: Wishes,
    { tell = () => {} }: Pick<ClusterBinding, 'tell'>,
  ): StepContext {
    return {
      settings: this.#settings,
      context,
      server,
      view: wishes.view,
      observation: this.observation,
      findings: this.#findings,
      libc: this.#services.libc,
      log: this.#log,
      desired: () => wishes.present,
      mayLead: () => this.#sharing?.mayLead(server.postmaster?.pid) === true,
      holdsLease: () => this.#sharing?.holdsLease() === true,
      transition: (event) => this.#transition(event),
      denyFailover: (signal) => this.#denyFailover(signal),
      tell,
    };
  }

  #wake(): void {
    this.#aligner?.wake();
    this.#upkeep?.trigger();
  }

  #noteTrouble(kind: StandbyTrouble, text: string): void {
    if (kind === 'disconnected') {
      this.#upkeep?.disconnected();
      return;
    }
    const findings = this.#findings;
    if (kind === 'stranded') findings.strandedAt = this.observation.received;
    else findings.trouble ??= text;
    this.#wake();
  }

  /** See StepContext.denyFailover. */
  async #denyFailover(signal: AbortSignal): Promise<void> {
    const view = this.#wishes?.view;
    if (view !== undefined) await this.#quorum?.deny({ settings: this.#settings, view }, signal);
  }

  async #reload(): Promise<void> {
    const { reload } = await import('./reload.ts');
    await reload({
      context: this.#prepared?.context,
      wishes: this.#wishes,
      server: this.#server,
      upkeep: this.#upkeep,
      denyFailover: (signal) => this.#denyFailover(signal),
      signal: this.#ending.calledOff,
      log: this.#log,
      onReloaded: () => this.#aligner?.forgive(),
    });
  }

  #transition(event: PhaseEvent): void {
    const { phase } = this.observation;
    const next = nextPhase(phase, event);
    if (next === undefined) throw new Error(`"${event}" cannot happen while ${phase}`);
    // Probes come second: the server does not wait for the listener, nor the listener for the server.
    if (event === 'server started') void pause(headStart).then(() => this.#listener.open());
    else if (event !== 'server ended') void this.#listener.open();
    if (next === phase) return;
    this.observation.phase = next;
    this.observation.phaseSince = now();
    this.#watchkeeper.phaseChanged();
    const uptimeMs = Math.round(process.uptime() * 1000);
    this.#log.info({ from: phase, to: next, uptimeMs }, `instance is ${next}`);
    if (event === 'answered') this.#aligner?.wake();
    // The others read the phase in the Cluster.
    this.#upkeep?.trigger();
  }

  #beat(): void {
    const { serverLog, context } = this.#prepared ?? {};
    if (serverLog === undefined || context === undefined) return;
    const postmaster = this.#server?.postmaster;
    if (serverLog.checkPipes() && postmaster !== undefined) reopenServerLog(context, postmaster);
  }

  /** However this ended: no server is left behind, none is killed without need, and the lease goes back last. */
  async #cleanUp(): Promise<void> {
    this.#upkeep?.stop();
    if (this.#server?.postmaster !== undefined) this.#server.stop('fault');
    await this.#server?.ended;
    this.#sharing?.watchdog?.release();
    await this.#sharing?.lease.leave(releasePatience);
    this.#wishes?.view.stop();
    this.#watchkeeper.stop();
    await this.#prepared?.close();
    await this.#listener.close();
  }
}
