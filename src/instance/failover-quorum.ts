import type { Client } from 'pg';
import { quorumToAdvertise } from '../alignment/failover-quorum.ts';
import type { QuorumStore } from '../cluster/source.ts';
import {
  parseSynchronousMetadata,
  type SynchronousStandbys,
  synchronousMetadataSetting,
} from '../postgres/synchronous-metadata.ts';
import { now } from './deadline.ts';
import type { Postmaster } from './postmaster.ts';
import type { StepContext } from './step-context.ts';

/**
 * Milliseconds in which what was told is taken to stand there still. Shorter than the period of regular passes: whoever makes the
 * object anew has it empty, and denies every failover until it is told again.
 */
const believedFor = 20_000;

interface LoadedRow {
  readonly metadata: string;
  readonly position: string;
}

/** `$1` standbys, each of which has flushed all up to `$2`. */
const caughtUpQuery = `
SELECT count(*)::int AS count FROM pg_stat_replication
WHERE application_name = ANY ($1) AND sync_state IN ('sync', 'quorum') AND flush_lsn >= $2`;

/**
 * Tells the operator from which standbys it may choose without a loss, and takes that back before anything weaker comes into
 * force (contract 03, 3.20).
 */
export class FailoverQuorum {
  readonly #store: QuorumStore;
  /** What the server of the moment waits for, and how far its WAL was when that was first seen. */
  #seen:
    | { readonly postmaster: Postmaster; readonly metadata: string; readonly position: string }
    | undefined;
  /** What the operator has been told last, and when; undefined: it is not known. */
  #told: { readonly text: string; readonly at: number } | undefined;
  readonly #clock: () => number;

  /** @param clock milliseconds; another one for tests */
  constructor(store: QuorumStore, clock = now) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The configuration is about to change: until the new one is in force nobody may count on the old one. */
  async deny(step: Pick<StepContext, 'view' | 'settings'>, signal: AbortSignal): Promise<void> {
    this.#told = undefined;
    if (isMine(step)) await this.#tell(undefined, signal);
  }

  /** On a primary whose server runs with what its files say. */
  async advertise(step: StepContext, client: Client, signal: AbortSignal): Promise<void> {
    const { postmaster } = step.server;
    if (!isMine(step) || postmaster === undefined) {
      // It is somebody else's to write, or to take away and make anew.
      this.#told = undefined;
      return;
    }
    const { metadata, position } = await readLoaded(client);
    const seen = this.#seen;
    const isSame = seen?.postmaster === postmaster && seen.metadata === metadata;
    const present = isSame ? seen : { postmaster, metadata, position };
    this.#seen = present;
    const loaded = parseSynchronousMetadata(metadata);
    const haveCaughtUp = loaded !== undefined && (await hasReached(client, loaded, present.position));
    const quorum = quorumToAdvertise({ me: step.settings.name, loaded, haveCaughtUp });
    await this.#tell(quorum, signal);
    if (loaded !== undefined && !haveCaughtUp) {
      throw new Error('the standbys that commits wait for have not caught up: no failover is allowed yet');
    }
  }

  async #tell(status: ReturnType<typeof quorumToAdvertise>, signal: AbortSignal): Promise<void> {
    const text = JSON.stringify(status ?? {});
    const at = this.#clock();
    if (text === this.#told?.text && at - this.#told.at < believedFor) return;
    this.#told = undefined;
    if (await this.#store.write(status, signal)) this.#told = { text, at };
  }
}

function isMine({ view, settings }: Pick<StepContext, 'view' | 'settings'>): boolean {
  const { spec, status } = view.latest?.cluster ?? {};
  const isSettled = status?.currentPrimary === settings.name && status.targetPrimary === settings.name;
  return isSettled && spec?.postgresql?.synchronous?.failoverQuorum === true;
}

async function readLoaded(client: Client): Promise<LoadedRow> {
  const { rows } = await client.query<LoadedRow>(
    `SELECT COALESCE(current_setting($1, true), '') AS metadata, pg_current_wal_lsn()::text AS position`,
    [synchronousMetadataSetting],
  );
  if (rows[0] === undefined) throw new Error('the server does not say whom commits wait for');
  return rows[0];
}

async function hasReached(
  client: Client,
  { standbyNames, number }: SynchronousStandbys,
  position: string,
): Promise<boolean> {
  const { rows } = await client.query<{ count: number }>(caughtUpQuery, [standbyNames, position]);
  return (rows[0]?.count ?? 0) >= number;
}
