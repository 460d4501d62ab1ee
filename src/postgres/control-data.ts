import type { StandbySetting } from './control-file.ts';

/** Of each parameter that a standby needs at least as high as its primary: its name in pg_controldata and its default. */
const standbySettings: Readonly<Record<StandbySetting, readonly [label: string, fallback: number]>> = {
  max_connections: ['max_connections setting', 100],
  max_wal_senders: ['max_wal_senders setting', 10],
  max_worker_processes: ['max_worker_processes setting', 8],
  max_prepared_transactions: ['max_prepared_xacts setting', 0],
  max_locks_per_transaction: ['max_locks_per_xact setting', 64],
};

/**
 * What pg_controldata prints under LC_ALL=C, by name (contract 04, 22). Lines without a colon mean nothing; a value may
 * hold colons.
 */
export function parseControlData(text: string): ReadonlyMap<string, string> {
  const data = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) data.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return data;
}

/**
 * Parameters that a standby must start with although the Cluster says less, or nothing (contract 04, 10.3): the control
 * file holds what its primary had at the last WAL that was replayed, and with a lower value a standby refuses to start
 * ("recovery aborted because of insufficient parameter settings").
 *
 * The reference passes over parameters that the Cluster does not name; but a standby with PostgreSQL's default does not
 * start either, so that a missing one counts with its default here. A value that is no number is left to PostgreSQL, which
 * refuses it by name.
 *
 * @param controlData output of pg_controldata
 * @param parameters those of the Cluster; names do not care for case
 * @returns the values of the control file, of those parameters only
 */
export function enforcedParameters(
  controlData: ReadonlyMap<string, string>,
  parameters: Readonly<Record<string, string>>,
): Map<string, string> {
  const chosen = new Map(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]));
  const enforced = new Map<string, string>();
  for (const [name, [label, fallback]] of Object.entries(standbySettings)) {
    const recorded = controlData.get(label);
    if (recorded === undefined || !/^\d+$/.test(recorded)) continue;
    if (Number(recorded) > Number(chosen.get(name) ?? fallback)) enforced.set(name, recorded);
  }
  return enforced;
}
