import { type FSWatcher, watch } from 'node:fs';
import type { Client } from 'pg';
import type { Observation } from '../alignment/observation.ts';
import { hangingSince, trackProgress, trackWritePath } from '../alignment/trackers.ts';
import { messageOf } from '../errors/manager-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import { connect, type Login, type ServerAddress, sqlState } from '../postgres/io/connection.ts';
import { pingServer } from '../postgres/io/startup-ping.ts';
import { type RoleRow, roleQuery, sharedRoleQuery } from '../postgres/role-query.ts';
import { type VitalsRow, vitalsQuery } from '../postgres/vitals-query.ts';
import { now, pause } from './deadline.ts';
import { readPostmasterPid } from './server-access.ts';

/** Milliseconds. Readiness promises an answer of the last second, so a question is asked every 650 ms. */
const period = {
  starting: 50,
  running: 650,
  hurried: 15,
  vitals: 5_000,
  loginRetry: 60_000,
  /** Each question to a server that does not take connections yet is a FATAL in its log. */
  unready: 5_000,
} as const;
/** Milliseconds that one question may take. */
const patience = 900;
/** Without a limit of its own: longer than any stop. */
const noTimeout = 2 ** 31 - 1;
/** A stop goes on without the checkpoint when nobody has been answered for this long, or nothing has got anywhere. */
const silencePatience = 3_000;

export interface MonitorOptions {
  readonly observation: Observation;
  readonly address: () => ServerAddress;
  readonly login: Login;
  readonly dataDirectory: string;
  readonly log: Logger;
  /** Whether other instances send WAL to this server, or receive it. */
  readonly isShared: boolean;
  /** Called once, at the first real answer. */
  readonly onFirstAnswer: () => void;
  /** Called when an answer changes what is known of the server's role, its receiver or its standbys. */
  readonly onNews: () => void;
}

/**
 * Keeps asking the server, so that a probe need not: over one session kept open, or, where that may not be opened
 * (somebody's pg_hba.conf wants a password that we do not have), by beginning a session and leaving it.
 */
export class Monitor {
  readonly #options: MonitorOptions;
  readonly #stopped = new AbortController();
  #wake = new AbortController();
  #client: Client | undefined;
  #loginRefusedAt: number | undefined;
  #vitalsAt = Number.NEGATIVE_INFINITY;
  #pingedAt = now();
  #watcher: FSWatcher | undefined;
  #quiet = false;
  #isHurried = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watchPidFile();
    void this.#loop();
  }

  /** Asks without a pause, for the moments in which a change of role depends on the answer. */
  hurry(isHurried: boolean): void {
    if (isHurried === this.#isHurried) return;
    this.#isHurried = isHurried;
    if (isHurried) this.#wake.abort();
  }

  /** The session that is kept open, for a quick question; undefined while there is none. */
  get session(): Client | undefined {
    return this.#quiet ? undefined : this.#client;
  }

  /** Ends the session and asks no more; idempotent. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake.abort();
    this.#watcher?.close();
    await this.#dropSession();
  }

  /**
   * Writes a checkpoint on a primary, as long as the server answers others meanwhile, and ends the session, which a smart
   * shutdown would otherwise wait for. Does nothing where no session could be had.
   *
   * @param limit milliseconds; when there is one, the checkpoint must also get somewhere: answers need no disk
   */
  async checkpointAndLeave(limit: number): Promise<void> {
    this.#quiet = true;
    const client = this.#client;
    // From here on it is not the loop's: a question of its own would wait behind the checkpoint, and give the session up.
    this.#client = undefined;
    if (client === undefined) return;
    try {
      if (this.#options.observation.inRecovery === false) await this.#checkpoint(client, limit);
    } finally {
      // A server that answers nobody does not answer the farewell either.
      void client.end().catch(() => {});
    }
  }

  async #checkpoint(client: Client, limit: number): Promise<void> {
    const over = new AbortController();
    const done = client
      .query('SET statement_timeout = 0')
      .then(() => client.query({ text: 'CHECKPOINT', query_timeout: noTimeout } as { text: string }))
      .finally(() => over.abort());
    // Awaited below; if it is given up first, nobody waits for it any more.
    done.catch(() => {});
    await Promise.race([done, this.#giveUp(limit, over.signal)]);
  }

  /** Rejects when there is no sense in waiting for the checkpoint any longer. */
  async #giveUp(limit: number, signal: AbortSignal): Promise<void> {
    const { observation } = this.#options;
    const begun = now();
    while (!signal.aborted) {
      await pause(patience, signal);
      const at = now();
      const isSilent = at - Math.max(observation.answeredAt ?? 0, begun) > silencePatience;
      if (isSilent) throw new Error('the server has stopped answering');
      if (!Number.isFinite(limit)) continue;
      const hangs = hangingSince(observation);
      if (hangs !== undefined && at - hangs > silencePatience) {
        throw new Error(
          'processes of the server hang: storage that does not answer, or somebody has halted them',
        );
      }
      if (at - begun > limit) throw new Error(`not done within ${limit / 1000} s`);
    }
  }

  async #loop(): Promise<void> {
    const { observation } = this.#options;
    while (!this.#stopped.signal.aborted) {
      await this.#ask();
      const isStarting = observation.phase === 'starting';
      this.#wake = new AbortController();
      const usual = isStarting ? period.starting : period.running;
      await pause(this.#isHurried ? period.hurried : usual, this.#wake.signal);
    }
  }

  /** One question. Never throws: what went wrong is an observation. */
  async #ask(): Promise<void> {
    try {
      if (this.#client === undefined) await this.#introduce();
      else await this.#query(this.#client);
    } catch (error) {
      this.#options.observation.refusal = { at: now(), text: messageOf(error) };
      await this.#dropSession();
    }
  }

  async #introduce(): Promise<void> {
    if (!this.#isReady && now() - this.#pingedAt < period.unready) return;
    if (!(await this.#ping())) return;
    this.#answered();
    const refusedAt = this.#loginRefusedAt;
    if (this.#quiet || (refusedAt !== undefined && now() - refusedAt < period.loginRetry)) return;
    await this.#logIn();
    if (this.#client !== undefined) await this.#query(this.#client);
  }

  /** What the server says of itself in postmaster.pid. */
  get #isReady(): boolean {
    const status = readPostmasterPid(this.#options.dataDirectory)?.status;
    return status === 'ready' || status === 'standby';
  }

  /** Begins a session and leaves it. Tells whether it got as far as the question for a password. */
  async #ping(): Promise<boolean> {
    const { observation, address, login } = this.#options;
    this.#pingedAt = now();
    const answer = await pingServer(address(), login.user, patience);
    // 53300: every place is taken, which is an answer of a server that works.
    const isFull = answer.kind === 'refuses' && answer.sqlState === '53300';
    if (answer.kind === 'accepts' || isFull) observation.acceptedAt = now();
    if (isFull) this.#answered();
    if (answer.kind === 'refuses') observation.refusedAt = now();
    if (answer.kind !== 'accepts') observation.refusal = { at: now(), text: answer.text };
    return answer.kind === 'accepts';
  }

  async #logIn(): Promise<void> {
    const { address, login, log } = this.#options;
    try {
      const client = await connect(address(), login, {
        connectTimeout: patience,
        statementTimeout: patience,
      });
      if (this.#quiet || this.#stopped.signal.aborted) await client.end();
      else this.#client = client;
    } catch (error) {
      if (sqlState(error)?.startsWith('28') !== true && !/password/.test(messageOf(error))) throw error;
      if (this.#loginRefusedAt === undefined) {
        log.warn(
          { error, user: login.user },
          'cannot log in; probes work, /pg/status and checkpoints at a stop do not',
        );
      }
      this.#loginRefusedAt = now();
    }
  }

  async #query(client: Client): Promise<void> {
    if (now() - this.#vitalsAt >= period.vitals) {
      const { rows } = await client.query<VitalsRow>(vitalsQuery);
      this.#vitalsAt = now();
      this.#answered();
      // Beside the questions to the session, which a postmaster that hangs does not hold up.
      void this.#ping();
      if (rows[0] !== undefined) this.#noteVitals(rows[0]);
    }
    const { rows } = await client.query<RoleRow>(this.#options.isShared ? sharedRoleQuery : roleQuery);
    this.#answered();
    if (rows[0] !== undefined) this.#noteRole(rows[0]);
  }

  #noteRole({ standby, receiving, received, streaming }: RoleRow): void {
    const { observation, onNews } = this.#options;
    const names = streaming ?? [];
    const isNews =
      observation.inRecovery !== standby ||
      observation.isReceiving !== receiving ||
      observation.streaming.join() !== names.join();
    observation.inRecovery = standby;
    observation.isReceiving = receiving;
    observation.received = received ?? '';
    observation.streaming = names;
    if (isNews) onNews();
  }

  #noteVitals(row: VitalsRow): void {
    const { observation } = this.#options;
    const at = now();
    if (row.standby) observation.progress = trackProgress(observation.progress, row.replayed ?? '', at);
    observation.writePath =
      row.flushed === null
        ? undefined
        : trackWritePath(observation.writePath, { flushed: row.flushed, waiting: row.waiting }, at);
    if (observation.disk !== undefined) {
      observation.disk = {
        ...observation.disk,
        walSegment: row.wal_segment,
        heldBySlots: row.held_by_slots ?? undefined,
      };
    }
  }

  #answered(): void {
    const first = this.#options.observation.answeredAt === undefined;
    this.#options.observation.answeredAt = now();
    this.#options.observation.refusal = undefined;
    if (first) this.#options.onFirstAnswer();
  }

  async #dropSession(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // The server may be gone already; nothing is lost with the session.
    await client?.end().catch(() => {});
  }

  /** The server notes in postmaster.pid when it is ready: no waiting for the next question then. */
  #watchPidFile(): void {
    try {
      this.#watcher = watch(this.#options.dataDirectory, (_event, name) => {
        if (name === 'postmaster.pid' && this.#options.observation.phase === 'starting') this.#wake.abort();
      });
      this.#watcher.on('error', () => {});
    } catch {
      // No inotify watches left: the questions come soon enough by themselves.
    }
  }
}
