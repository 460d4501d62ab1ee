import type { Client } from 'pg';
import { slotSettings } from '../../cluster/defaults.ts';
import { withoutForget } from '../../cluster/requests.ts';
import { messageOf } from '../../errors/manager-error.ts';
import { connectToPrimary } from '../../postgres/io/replication-session.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { planSlots, planStandbySlots, type Slot, type SlotRules, slotName } from '../../postgres/slots.ts';
import { now } from '../deadline.ts';
import type { StepContext } from '../step-context.ts';
import { primaryAddress } from '../wal-past.ts';

interface SlotRow {
  readonly name: string;
  readonly active: boolean;
  readonly restart_lsn: string | null;
  readonly holds_xmin: boolean;
  readonly lost: boolean;
}

/** Permanent physical slots: the others are nobody's business here (contract 03, 3.21). */
const slotQuery = `
SELECT slot_name::text AS name, active, restart_lsn::text, xmin IS NOT NULL OR catalog_xmin IS NOT NULL AS holds_xmin,
       COALESCE(wal_status = 'lost', false) AS lost
FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary ORDER BY slot_name`;

/** Slots for the standbys, on the primary and, kept up to date, on the standbys that may become one. */
export class SlotUpkeep {
  #copiedAt = Number.NEGATIVE_INFINITY;
  #isWaiting = false;
  #period = Number.POSITIVE_INFINITY;

  /** Milliseconds after which those of a standby are to be looked at again, whatever happens (updateInterval). */
  get period(): number {
    return this.#period;
  }

  /** Whether a slot that is to go is still in use, the end of which nothing tells (contract 03, 3.21). */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  async settle(client: Client, step: StepContext, isPrimary: boolean, signal: AbortSignal): Promise<void> {
    const cluster = step.view.latest?.cluster;
    if (cluster === undefined) return;
    const settings = slotSettings(cluster.spec);
    const rules: SlotRules = {
      isHighAvailability: settings.isHighlyAvailable,
      prefix: settings.prefix,
      isSynchronized: settings.copiesUserSlots,
      excludePatterns: settings.excludePatterns,
    };
    const interval = settings.updateInterval * 1000;
    this.#period = isPrimary ? Number.POSITIVE_INFINITY : interval;
    const slots = await readSlots(client);
    const instanceNames = cluster.status?.instanceNames ?? [];
    const forgotten = Object.keys(cluster.status?.forgetRequests ?? {});
    const plan = planSlots({
      rules,
      role: isPrimary ? 'primary' : 'standby',
      currentPrimary: isPrimary ? step.settings.name : (cluster.status?.currentPrimary ?? ''),
      instanceNames,
      // Where instances register themselves, one that is down cannot do so again: it would lose its WAL with its slot.
      forgotten,
      isComplete: step.view.kind !== 'file' || instanceNames.length >= (cluster.spec.instances ?? 1),
      slots,
    });
    this.#isWaiting = plan.busy.length > 0;
    const work = new SlotWork(signal);
    const dropped = await work.each(plan.drop, (name) => drop(client, name));
    const created = await work.each(plan.create, (name) =>
      client.query('SELECT pg_create_physical_replication_slot($1)', [name]),
    );
    if (created.length + dropped.length > 0) step.log.info({ created, dropped }, 'replication slots settled');
    const isDue = now() - this.#copiedAt >= interval;
    if (!isPrimary && isDue && step.observation.isReceiving === true) {
      await copySlots(client, step, rules, work, signal);
      this.#copiedAt = now();
    }
    const gone = forgotten.filter((name) => {
      const slot = slotName(rules.prefix, name);
      return dropped.includes(slot) || !slots.some((one) => one.name === slot);
    });
    if (isPrimary && gone.length > 0) await step.view.update((status) => withoutForget(status, gone), signal);
    work.conclude();
  }
}

/** One slot that cannot be settled keeps none of the others from it (contract 03, 3.21). */
class SlotWork {
  readonly #failures: unknown[] = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** @returns those with which it went well. @throws the reason of an abort, between two slots */
  async each<T>(slots: readonly T[], settle: (slot: T) => Promise<unknown>): Promise<T[]> {
    const settled: T[] = [];
    for (const slot of slots) {
      this.#signal.throwIfAborted();
      try {
        await settle(slot);
        settled.push(slot);
      } catch (error) {
        this.#failures.push(error);
      }
    }
    return settled;
  }

  /** Throws all that went wrong as one error. */
  conclude(): void {
    if (this.#failures.length > 0) throw new Error(this.#failures.map(messageOf).join('; '));
  }
}

function drop(client: Client, name: string): Promise<unknown> {
  return client.query('SELECT pg_drop_replication_slot($1)', [name]);
}

async function readSlots(client: Client): Promise<Slot[]> {
  const { rows } = await client.query<SlotRow>(slotQuery);
  return rows.map((row) => ({
    name: row.name,
    isActive: row.active,
    restartLsn: row.restart_lsn === null ? undefined : parseLsn(row.restart_lsn),
    holdsXmin: row.holds_xmin,
    isLost: row.lost,
  }));
}

/** After a failover the other standbys find their WAL here. */
async function copySlots(
  client: Client,
  step: StepContext,
  rules: SlotRules,
  work: SlotWork,
  signal: AbortSignal,
): Promise<void> {
  const primary = await connectToPrimary(primaryAddress(step), 'postgres');
  let primarySlots: Slot[];
  try {
    signal.throwIfAborted();
    primarySlots = await readSlots(primary);
  } finally {
    await primary.end();
  }
  const localSlots = await readSlots(client);
  const plan = planStandbySlots({ rules, ownName: step.settings.name, primarySlots, localSlots });
  await work.each(plan.drop, (name) => drop(client, name));
  await work.each(plan.advance, async ({ name, restartLsn, create, reserve }) => {
    if (create) await client.query('SELECT pg_create_physical_replication_slot($1, $2)', [name, reserve]);
    if (restartLsn !== undefined) await advance(client, name, formatLsn(restartLsn));
  });
}

/** A slot that was just made keeps WAL from the last restart point on; PostgreSQL does not go back behind that (55000). */
async function advance(client: Client, name: string, position: string): Promise<void> {
  try {
    await client.query('SELECT pg_replication_slot_advance($1, $2)', [name, position]);
  } catch (error) {
    if (!(error instanceof Error) || !/minimum is|forward past/.test(error.message)) throw error;
  }
}
