import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { judgeReadiness } from '../alignment/health.ts';
import type { Observation } from '../alignment/observation.ts';
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
import { dataRoleOf } from './data-role.ts';
import { now } from './deadline.ts';
import { loginOf, serverAddress } from './server-access.ts';
import type { InstanceSettings } from './settings.ts';
import type { StepContext } from './step-context.ts';

/** Milliseconds: the operator asks one instance after the other and gives each 30 s. */
const limits = { connectTimeout: 5_000, statementTimeout: 10_000 };

/** Composes the body of /pg/status: a session of its own for each, so that nothing else can hold it up. */
export class StatusReport {
  readonly #settings: InstanceSettings;
  readonly #observation: Observation;
  #step: StepContext | undefined;

  constructor(settings: InstanceSettings, observation: Observation) {
    this.#settings = settings;
    this.#observation = observation;
  }

  connectTo(step: StepContext): void {
    this.#step = step;
  }

  /** Rejects when the server does not answer: the operator reads a 500 as "not reporting". */
  async compose(): Promise<object> {
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

  /** A server that is down because somebody asked for it (contract 03, 3.1). */
  get #mightBeUnavailable(): boolean {
    return this.#observation.alignment?.goal === 'fence' || this.#observation.isRestarting;
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
      const { phase, alignment } = this.#observation;
      const why = alignment?.why ?? alignment?.step;
      throw new Error(`no server: the instance is ${phase}${why === undefined ? '' : ` (${why})`}`);
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
      });
      return { ...body, manager: this.#ownPart() };
    } finally {
      await client.end();
    }
  }

  /** Beside the operator's keys, which ignores what it does not know: what people ask when something is wrong. */
  #ownPart(): object {
    const at = now();
    const { phase, phaseSince, disk, replayError, writePath, alignment } = this.#observation;
    const readiness = judgeReadiness(this.#observation, at);
    return {
      phase,
      phaseSeconds: Math.round((at - phaseSince) / 1000),
      ready: readiness.ok,
      reasons: readiness.reasons,
      alignment:
        alignment === undefined
          ? undefined
          : { ...alignment, since: undefined, seconds: Math.round((at - alignment.since) / 1000) },
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
