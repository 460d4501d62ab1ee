import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { type Health, judgeLiveness, judgeReadiness, judgeStartup } from '../alignment/health.ts';
import type { Observation } from '../alignment/observation.ts';
import type { PromiseQuestion } from '../alignment/vouching.ts';
import { messageOf } from '../errors/manager-error.ts';
import { connect } from '../postgres/io/connection.ts';
import { bareStatusBody, goArchitecture, type StatusRows, statusBody } from '../postgres/status-body.ts';
import {
  baseBackupQuery,
  type InstanceRow,
  instanceQuery,
  replicationQuery,
  slotQuery,
  standbyNamePattern,
  type TextRow,
} from '../postgres/status-queries.ts';
import { buildVersion } from '../process/build.ts';
import type { PeerTls } from '../server/peer-certificate.ts';
import type { ProbeAnswer, StatusSource } from '../server/status-server.ts';
import { dataRoleOf } from './data-role.ts';
import { now } from './deadline.ts';
import { lineOf, reportOf } from './self-report.ts';
import { loginOf, readControlFile, serverAddress } from './server-access.ts';
import type { InstanceSettings } from './settings.ts';
import type { StepContext } from './step-context.ts';

/** Milliseconds: the operator asks one instance after the other and gives each 30 s. */
const limits = { connectTimeout: 5_000, statementTimeout: 10_000 };

/**
 * Answers what the status server is asked. The probes are judged from memory; for the body of /pg/status the server is
 * asked, in a session of its own each time, so that nothing else can hold it up.
 */
export class StatusReport implements StatusSource {
  readonly #settings: InstanceSettings;
  readonly #observation: Observation;
  #step: StepContext | undefined;
  readonly #peerTls: () => PeerTls | undefined;
  #promise: ((question: PromiseQuestion) => string | undefined) | undefined;

  /** @param peerTls what other instances are known by; undefined: nobody is */
  constructor(settings: InstanceSettings, observation: Observation, peerTls: () => PeerTls | undefined) {
    this.#settings = settings;
    this.#observation = observation;
    this.#peerTls = peerTls;
  }

  get name(): string {
    return this.#settings.name;
  }

  connectTo(step: StepContext): void {
    this.#step = step;
  }

  /** From here on others can be promised something; see LeaseKeeper.promise. */
  promiseBy(promise: (question: PromiseQuestion) => string | undefined): void {
    this.#promise = promise;
  }

  promise(question: PromiseQuestion): string | undefined {
    return this.#promise === undefined ? 'it is not ready yet' : this.#promise(question);
  }

  get peerTls(): PeerTls | undefined {
    return this.#peerTls();
  }

  liveness(): ProbeAnswer {
    return this.#probe(judgeLiveness);
  }

  readiness(): ProbeAnswer {
    return this.#probe(judgeReadiness);
  }

  startup(): ProbeAnswer {
    return this.#probe(judgeStartup);
  }

  /** Rejects when the server does not answer: the operator reads a 500 as "not reporting". */
  async status(): Promise<object> {
    const { phase } = this.#observation;
    if (phase === 'rewinding') return this.#without({ isPgRewindRunning: true });
    try {
      return await this.#ask();
    } catch (error) {
      if (!this.#mightBeUnavailable) throw error;
      const isPrimary = dataRoleOf(this.#settings.dataDirectory) === 'primary';
      return this.#without({ isPrimary, mightBeUnavailableMaskedError: messageOf(error) });
    }
  }

  #probe(judge: (observed: Observation, now: number) => Health): ProbeAnswer {
    const at = now();
    return { ...judge(this.#observation, at), manager: reportOf(this.#observation, at) };
  }

  /** A server that is down because somebody asked for it (contract 03, 3.1). */
  get #mightBeUnavailable(): boolean {
    return this.#observation.alignment?.goal === 'fence' || this.#observation.isRestarting;
  }

  /** What can be said when `status` has rejected: the operator reads only that it did, people want to know why. */
  excuse(error: unknown): object {
    return { error: messageOf(error), manager: this.#ownPart() };
  }

  /** What can be said with the server down (contract 02, 6.2). */
  #without(more: object): object {
    return {
      ...bareStatusBody(this.#settings.name, buildVersion.version),
      mightBeUnavailable: this.#mightBeUnavailable,
      ...more,
      manager: this.#ownPart(),
    };
  }

  async #ask(): Promise<object> {
    const step = this.#step;
    if (step?.server.postmaster === undefined) {
      throw new Error(`no server: ${lineOf(reportOf(this.#observation, now()))}`);
    }
    const desired = step.desired();
    const { executableHash, sessionId } = await import('./program-identity.ts');
    const client = await connect(serverAddress(step.context), loginOf(desired), limits);
    try {
      const body = statusBody(await ask(client, desired.clusterName), {
        podName: this.#settings.name,
        mightBeUnavailable: this.#mightBeUnavailable,
        version: buildVersion.version,
        executableHash,
        architecture: goArchitecture(process.arch),
        sessionId,
        readyWalFiles: await this.#countReadyFiles(),
        replayed: readControlFile(this.#settings.dataDirectory)?.details?.settings,
      });
      return { ...body, manager: this.#ownPart() };
    } finally {
      await client.end();
    }
  }

  /** Beside the operator's keys, which ignores what it does not know: what people ask when something is wrong. */
  #ownPart(): object {
    const at = now();
    const { disk, replayError, writePath } = this.#observation;
    const readiness = judgeReadiness(this.#observation, at);
    return {
      ...reportOf(this.#observation, at),
      ready: readiness.ok,
      reasons: readiness.reasons,
      disk,
      replayError:
        replayError === undefined ? undefined : { text: replayError.text, count: replayError.count },
      writePath:
        writePath === undefined ? undefined : { flushed: writePath.flushed, waiting: writePath.waiting },
    };
  }

  async #countReadyFiles(): Promise<number | undefined> {
    try {
      const names = await readdir(join(this.#settings.dataDirectory, 'pg_wal', 'archive_status'));
      return names.filter((name) => name.endsWith('.ready')).length;
    } catch {
      return undefined;
    }
  }
}

async function ask(client: Client, clusterName: string): Promise<StatusRows> {
  const instance = (await client.query<InstanceRow>(instanceQuery)).rows[0];
  if (instance === undefined) throw new Error('the server gave no status row');
  const baseBackups = (await client.query<TextRow>(baseBackupQuery)).rows;
  if (instance.standby) return { instance, replication: [], slots: [], baseBackups };
  const replication = (await client.query<TextRow>(replicationQuery, [standbyNamePattern(clusterName)])).rows;
  const slots = (await client.query<TextRow>(slotQuery)).rows;
  return { instance, replication, slots, baseBackups };
}
