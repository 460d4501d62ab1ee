import type { Client } from 'pg';
import { isHeld } from '../../alignment/goal.ts';
import { registered, withHealth } from '../../cluster/registration.ts';
import { withoutReclone } from '../../cluster/requests.ts';
import type { ClusterStatus, ReportedRefusal, ReportedState } from '../../cluster/status.ts';
import { isRecloneDue } from '../kept-data.ts';
import type { LeaseHolding } from '../lease-holding.ts';
import { lookAtInstance } from '../look.ts';
import type { StepContext } from '../step-context.ts';

interface PositionRow {
  readonly timeline: number;
  readonly position: string;
}

/** What the others wait for when they are to restart as well. */
interface RestartReport {
  /** A changed parameter waits for a restart. */
  readonly isPending: boolean;
  /** Digest of the spec whose configuration the server has loaded. */
  readonly spec: string | undefined;
}

/** Where WAL stands, on a primary and on a standby. */
const positionQuery = `
SELECT CASE WHEN pg_is_in_recovery()
         THEN GREATEST(c.timeline_id, r.min_recovery_end_timeline, (SELECT received_tli FROM pg_stat_wal_receiver))
         ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline,
       CASE WHEN pg_is_in_recovery()
         THEN COALESCE(GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::text, '')
         ELSE pg_current_wal_lsn()::text END AS position
FROM pg_control_checkpoint() AS c, pg_control_recovery() AS r`;

/** What this instance tells the others, in the status of a Cluster that no operator looks after. */
export class ClusterReport {
  readonly #step: StepContext;
  readonly #lease: LeaseHolding;
  readonly #statusPort: number;

  constructor(step: StepContext, lease: LeaseHolding, statusPort: number) {
    this.#step = step;
    this.#lease = lease;
    this.#statusPort = statusPort;
  }

  /** Where it listens and how far it is: also without a server. */
  async register(signal: AbortSignal): Promise<void> {
    const { view, observation } = this.#step;
    const isPrimary = observation.inRecovery === false;
    if (view.kind === 'file') await this.#tell({ isPrimary, phase: observation.phase }, signal);
    await this.#withdraw(signal);
  }

  /** A request for a copy that was carried out would be new again when the kept data, its trace, is removed. */
  async #withdraw(signal: AbortSignal): Promise<void> {
    const { view, settings } = this.#step;
    const request = view.latest?.cluster.status?.recloneRequests?.[settings.name];
    if (request === undefined || isRecloneDue(settings.dataDirectory, request)) return;
    await view.update((status) => withoutReclone(status, settings.name, request), signal);
  }

  /** What only the server knows; written when something else than its position has changed. */
  async write(client: Client, { isPending, spec }: RestartReport, signal: AbortSignal): Promise<void> {
    const { view, settings, observation } = this.#step;
    if (view.kind !== 'file') return;
    const row = (await client.query<PositionRow>(positionQuery)).rows[0];
    if (row === undefined) return;
    const isPrimary = observation.inRecovery === false;
    const known = view.latest?.cluster.status?.instancesReportedState?.[settings.name];
    const state: ReportedState = {
      isPrimary,
      phase: observation.phase,
      timeLineID: row.timeline,
      pendingRestart: isPending,
      ...(spec === undefined ? {} : { configurationHash: spec }),
    };
    const isNews = Object.entries(state).some(
      ([key, value]) => known?.[key as keyof ReportedState] !== value,
    );
    await this.#tell(isNews ? { ...state, receivedLsn: row.position } : state, signal);
    if (!isPrimary || this.#lease.facts.standing !== 'held') return;
    const { streaming } = observation;
    await view.update(
      (status) => withHealth(status, { name: settings.name, streaming, timeline: row.timeline }),
      signal,
    );
  }

  /** Of the last decision, for whoever looks at the Cluster and wonders why nothing happens. */
  get #refusal(): ReportedRefusal | undefined {
    const { goal, why, isRefused } = this.#step.observation.alignment ?? {};
    return isRefused === true && goal !== undefined ? { goal, why: why ?? '' } : undefined;
  }

  async #tell(state: ReportedState, signal: AbortSignal): Promise<void> {
    const { view, settings, context, libc } = this.#step;
    const cluster = view.latest?.cluster;
    if (cluster === undefined) return;
    const endpoint = { ip: settings.advertisedHost, port: context.port, statusPort: this.#statusPort };
    const change = (status: ClusterStatus) => {
      const { name, data, role, server } = lookAtInstance(this.#step);
      const isServing = server === 'up' && role === 'primary';
      const holdsLease = isHeld({ lease: this.#lease.facts }, libc.bootTime());
      const all = { ...endpoint, ...state, refusal: this.#refusal };
      const me = { cluster, name, data, isServing, holdsLease, state: all };
      return registered(status, me, Date.now());
    };
    await view.update(change, signal);
  }
}
