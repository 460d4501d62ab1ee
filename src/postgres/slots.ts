import { laterLsn } from './lsn.ts';
import { isOurs, type Slot, type SlotRules, slotName, visibleSlots } from './slot-rules.ts';

export { type Slot, type SlotRules, slotName } from './slot-rules.ts';

export interface SlotPlan {
  /** Without reserving WAL: the standby that uses one first does that. */
  readonly create: readonly string[];
  /** Before `create`, since a slot that was given up is dropped and made anew. */
  readonly drop: readonly string[];
  /** Should be dropped, but somebody uses them: look again in a second. */
  readonly busy: readonly string[];
}

/**
 * What the reconciler does with the slots of an instance (contract 03, 3.21; 04, 9). The primary keeps one for every other
 * instance and none for an instance that is gone; when high availability slots are off they go everywhere, and from
 * standbys all that are seen unless slots of users are synchronised.
 *
 * Other than the reference it also renews a slot that the server has given up: it keeps nothing, and would keep its
 * standby away for ever (seen with 18).
 *
 * @param input.slots of this server
 */
export function planSlots(input: {
  readonly rules: SlotRules;
  readonly role: 'primary' | 'standby';
  readonly currentPrimary: string;
  readonly instanceNames: readonly string[];
  /** False when instances may be missing from the names, as in a Cluster that was saved without its status: none is gone then. */
  readonly isComplete: boolean;
  /** Of these a person said that they are gone. */
  readonly forgotten: readonly string[];
  readonly slots: readonly Slot[];
}): SlotPlan {
  const { rules, role } = input;
  const seen = visibleSlots(input.slots, rules);
  if (!rules.isHighAvailability) {
    const reachesUsers = role === 'standby' && !rules.isSynchronized;
    return removal(
      seen.filter((slot) => isOurs(slot, rules) || reachesUsers),
      [],
    );
  }
  if (role === 'standby') return { create: [], drop: [], busy: [] };
  const others = input.instanceNames.filter((name) => name !== input.currentPrimary);
  const wanted = new Set(others.map((name) => slotName(rules.prefix, name)));
  const givenUp = seen.filter((slot) => wanted.has(slot.name) && slot.isLost && !slot.isActive);
  const usable = new Set(seen.filter((slot) => !givenUp.includes(slot)).map(({ name }) => name));
  const known = [input.currentPrimary, ...input.forgotten].map((name) => slotName(rules.prefix, name));
  const isGone = ({ name }: Slot) => !wanted.has(name) && (input.isComplete || known.includes(name));
  const surplus = seen.filter((slot) => isOurs(slot, rules) && isGone(slot));
  return removal(
    [...surplus, ...givenUp],
    [...wanted].filter((name) => !usable.has(name)),
  );
}

function removal(slots: readonly Slot[], create: readonly string[]): SlotPlan {
  const names = (isActive: boolean) =>
    slots.filter((slot) => slot.isActive === isActive).map(({ name }) => name);
  return { create, drop: names(false), busy: names(true) };
}

/** What a standby does with one slot of the primary. */
export interface SlotAdvance {
  readonly name: string;
  /**
   * Where pg_replication_slot_advance shall bring it; undefined: nowhere. A slot that was just made keeps WAL from the last
   * restart point on, and PostgreSQL refuses to go back from there ("minimum is"): that is no failure, it keeps what
   * there is.
   */
  readonly restartLsn: bigint | undefined;
  readonly create: boolean;
  /** Whether it keeps WAL from the moment it is made. */
  readonly reserve: boolean;
}

export interface StandbySlotPlan {
  /** To be done first. */
  readonly drop: readonly string[];
  readonly advance: readonly SlotAdvance[];
}

/**
 * How a standby keeps its slots like those of the primary, so that the others find their WAL after a failover (contract 03,
 * 3.21; 04, 9). Its own slot is of no use to itself; one that holds back VACUUM is left over from a life as a primary.
 *
 * Other than the reference it makes a local slot anew that PostgreSQL would refuse to advance, as it was given up or has
 * never reserved WAL, and leaves one alone that somebody streams from or that is far enough already.
 */
export function planStandbySlots(input: {
  readonly rules: SlotRules;
  /** Name of this instance. */
  readonly ownName: string;
  readonly primarySlots: readonly Slot[];
  readonly localSlots: readonly Slot[];
}): StandbySlotPlan {
  const { rules } = input;
  const own = slotName(rules.prefix, input.ownName);
  const onPrimary = visibleSlots(input.primarySlots, rules).filter(({ name }) => name !== own);
  const local = visibleSlots(input.localSlots, rules);
  const known = new Map(onPrimary.map((slot) => [slot.name, slot]));
  const drop = local
    .filter((slot) => !slot.isActive && (!isWelcome(slot, known, rules) || isUseless(slot, known)))
    .map(({ name }) => name);
  const kept = new Map(local.filter(({ name }) => !drop.includes(name)).map((slot) => [slot.name, slot]));
  const advance = onPrimary.flatMap((slot) => stepFor(slot, kept.get(slot.name), rules) ?? []);
  return { drop, advance };
}

/** Whether a local slot may exist at all. */
function isWelcome(slot: Slot, onPrimary: ReadonlyMap<string, Slot>, rules: SlotRules): boolean {
  return onPrimary.has(slot.name) && (isOurs(slot, rules) || rules.isSynchronized);
}

/** Whether it has to be made anew to serve. */
function isUseless(slot: Slot, onPrimary: ReadonlyMap<string, Slot>): boolean {
  const isStuck = slot.restartLsn === undefined && onPrimary.get(slot.name)?.restartLsn !== undefined;
  return slot.holdsXmin || slot.isLost || isStuck;
}

function stepFor(slot: Slot, local: Slot | undefined, rules: SlotRules): SlotAdvance | undefined {
  const { name, restartLsn } = slot;
  if (isOurs(slot, rules) ? !rules.isHighAvailability || restartLsn === undefined : !rules.isSynchronized) {
    return undefined;
  }
  if (local === undefined) return { name, restartLsn, create: true, reserve: restartLsn !== undefined };
  if (local.isActive || restartLsn === undefined || local.restartLsn === undefined) return undefined;
  const isBehind = laterLsn(local.restartLsn, restartLsn) !== local.restartLsn;
  return isBehind ? { name, restartLsn, create: false, reserve: false } : undefined;
}
