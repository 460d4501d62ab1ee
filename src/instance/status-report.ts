import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { judgeReadiness } from '../alignment/health.ts';
import type { Observation } from '../alignment/observation.ts';
import { connect, type Login, type ServerAddress } from '../postgres/io/connection.ts';
import { goArchitecture, type StatusRows, statusBody } from '../postgres/status-body.ts';
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
import { now } from './deadline.ts';

/** Milliseconds: the operator asks one instance after the other and gives each 30 s. */
const limits = { connectTimeout: 5_000, statementTimeout: 10_000 };

export interface StatusTarget {
  readonly address: () => ServerAddress;
  readonly login: Login;
  readonly clusterName: string;
}

/** Composes the body of /pg/status: a session of its own for each, so that nothing else can hold it up. */
export class StatusReport {
  readonly #name: string;
  readonly #dataDirectory: string;
  readonly #observation: Observation;
  /** A new one for every process: a change tells the operator that running backups are lost (contract 02, 6.8). */
  readonly #sessionId = randomUUID();
  #executableHash: string | undefined;
  #target: StatusTarget | undefined;

  constructor(name: string, dataDirectory: string, observation: Observation) {
    this.#name = name;
    this.#dataDirectory = dataDirectory;
    this.#observation = observation;
  }

  connectTo(target: StatusTarget): void {
    this.#target = target;
  }

  /** Rejects when the server does not answer: the operator reads a 500 as "not reporting". */
  async compose(): Promise<object> {
    const target = this.#target;
    if (target === undefined) throw new Error(`no server yet: the instance is ${this.#observation.phase}`);
    const client = await connect(target.address(), target.login, limits);
    try {
      const body = statusBody(await ask(client, target.clusterName), {
        podName: this.#name,
        version: buildVersion.version,
        executableHash: this.#hashOfExecutable(),
        architecture: goArchitecture(process.arch),
        sessionId: this.#sessionId,
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
    const { phase, phaseSince, disk, replayError, writePath } = this.#observation;
    const readiness = judgeReadiness(this.#observation, at);
    return {
      phase,
      phaseSeconds: Math.round((at - phaseSince) / 1000),
      ready: readiness.ok,
      reasons: readiness.reasons,
      disk,
      replayError:
        replayError === undefined ? undefined : { text: replayError.text, count: replayError.count },
      writePath:
        writePath === undefined ? undefined : { flushed: writePath.flushed, waiting: writePath.waiting },
    };
  }

  /** Of the program, not of the interpreter: two builds must differ (contract 01, 7.10). Read once, at first need. */
  #hashOfExecutable(): string {
    this.#executableHash ??= createHash('sha256')
      .update(readFileSync(process.argv[1] ?? process.execPath))
      .digest('hex');
    return this.#executableHash;
  }

  async #countReadyFiles(): Promise<number | undefined> {
    try {
      const names = await readdir(join(this.#dataDirectory, 'pg_wal', 'archive_status'));
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
