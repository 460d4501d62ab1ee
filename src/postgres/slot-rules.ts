/** A permanent physical replication slot; others are nobody's business here. */
export interface Slot {
  readonly name: string;
  /** Somebody streams from it. */
  readonly isActive: boolean;
  /** Oldest WAL that it keeps; undefined: none has been reserved yet. */
  readonly restartLsn: bigint | undefined;
  /** It holds back VACUUM (xmin or catalog_xmin). */
  readonly holdsXmin: boolean;
  /** The server has given it up (wal_status `lost`): it keeps nothing, and from 18 on nobody may use it. */
  readonly isLost: boolean;
}

/** spec.replicationSlots with its defaults filled in. */
export interface SlotRules {
  /** highAvailability.enabled: a slot for each standby. */
  readonly isHighAvailability: boolean;
  /** highAvailability.slotPrefix. */
  readonly prefix: string;
  /** synchronizeReplicas.enabled: slots of users are copied to the standbys. */
  readonly isSynchronized: boolean;
  /** synchronizeReplicas.excludePatterns: regular expressions; slots of users that match are not seen. */
  readonly excludePatterns: readonly string[];
}

/** Name of the slot of an instance (contract 04, 9): `_cnpg_` and `cluster-example-2` give `_cnpg_cluster_example_2`. */
export function slotName(prefix: string, instance: string): string {
  return `${prefix}${instance}`.toLowerCase().replace(/[^a-z0-9_]+/g, '_');
}

/** A slot that belongs to an instance of some cluster with this prefix: what the contract calls an HA slot. */
export function isOurs(slot: Slot, rules: SlotRules): boolean {
  return slot.name.startsWith(rules.prefix);
}

/** A pattern that cannot be read hides every slot of a user: nothing is done to them by mistake. */
export function visibleSlots(slots: readonly Slot[], rules: SlotRules): Slot[] {
  const patterns = rules.excludePatterns.map(readPattern);
  return slots.filter(
    (slot) => isOurs(slot, rules) || !patterns.some((pattern) => pattern?.test(slot.name) ?? true),
  );
}

/** Patterns are written for RE2, whose flags stand at the beginning: `(?i)name`. */
function readPattern(pattern: string): RegExp | undefined {
  const [, flags = '', body = pattern] = /^\(\?([ims]+)\)(.*)$/s.exec(pattern) ?? [];
  try {
    return new RegExp(body, flags);
  } catch {
    return undefined;
  }
}
