import type { Instance } from '../world/instance.ts';
import type { Server } from '../world/server.ts';
import { type Branch, reach, type WalEnd } from '../world/wal.ts';
import type { World } from '../world/world.ts';

interface Acknowledged {
  /** Last record that a client was told is safe. */
  any: number;
  /** The same, of those for which standbys were waited for. */
  synchronous: number;
}

/** Whose word made an instance the target: what may be lost when its reign begins depends on it. */
export type Mandate =
  | { readonly by: 'person'; readonly chosen: string }
  /**
   * R + W > N holds for what was acknowledged when the operator looked at the instances: `promised`. What comes later is
   * safe only as long as no standby goes back to the old primary. A target that is taken back, since it has vanished, is
   * not measured by any quorum: then only what an announced primary has acknowledged is promised.
   */
  | { readonly by: 'operator'; readonly chosen: string; readonly promised: ReadonlyMap<Branch, number> };

/** What clients were told is committed, and who has it. */
export class Ledger {
  readonly #world: World;
  readonly #branches = new Map<Branch, Acknowledged>();
  /** Records acknowledged and lost, each time by the rules. */
  lost = 0;
  acknowledged = 0;
  /** Reigns that lost what standbys were waited for, by a person's word or after the operator had looked. */
  lostAfterTheLook = 0;
  #reigning: Server | undefined;
  readonly #announced = new Set<Branch>();
  /** Choices of which nothing has come yet, the last one at the end. */
  readonly #mandates: Mandate[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  acknowledge(server: Server, isSynchronous: boolean, { branch, lsn }: WalEnd): void {
    this.acknowledged += 1;
    if (server !== this.#reigning) {
      // Another one has begun meanwhile: a machine that stood still, and goes on (see Promises).
      this.lost += 1;
      // One that wakes up may be met by a standby that has not heard of its successor (GUARANTEES.md, machine asleep).
      if (isSynchronous && !this.#world.promises.isWakingUp(server.name))
        this.#world.fail('promised write lost', `${server.name} acknowledges after its reign`);
      return;
    }
    let entry = this.#branches.get(branch);
    if (entry === undefined) {
      entry = { any: -1, synchronous: -1 };
      this.#branches.set(branch, entry);
    }
    if (lsn > entry.any) entry.any = lsn;
    if (isSynchronous && lsn > entry.synchronous) entry.synchronous = lsn;
  }

  /**
   * An instance begins to take writes. What was acknowledged and is not in its WAL is lost now: by the rules, when it was
   * chosen anew, and nobody had waited for a standby or a person has chosen; otherwise a promise is broken.
   */
  reignBegins(instance: Instance, server: Server): void {
    // A machine that stood still goes on with what it was about to do; see Promises. Nobody's data depends on it.
    if (!this.#world.promises.isSureOfLease(instance)) return;
    this.#reigning = server;
    const mandate = this.#takeMandate(instance.name);
    for (const [branch, entry] of this.#branches) {
      const reached = reach(instance.directory.end!, branch);
      if (entry.any <= reached) continue;
      const promised = promisedBy(mandate, branch, entry);
      if (promised > reached) this.#lose(instance, branch, reached, promised);
      if (entry.synchronous > reached) this.lostAfterTheLook += 1;
      this.lost += entry.any - Math.max(reached, branch.forkedAt);
      this.#forget(branch, entry, reached);
    }
  }

  /** A choice counts for one reign, and those made before it no longer: whoever comes back then has everything. */
  #takeMandate(name: string): Mandate | undefined {
    const index = this.#mandates.findLastIndex(({ chosen }) => chosen === name);
    if (index < 0) return undefined;
    const mandate = this.#mandates[index];
    this.#mandates.splice(0, index + 1);
    return mandate;
  }

  #lose({ name, directory }: Instance, branch: Branch, reached: number, promised: number): never {
    const { branch: own, lsn } = directory.end!;
    const has = reached < 0 ? 'nothing' : `up to ${reached}`;
    return this.#world.fail(
      'promised write lost',
      `${name} begins to reign at ${own.timeline}/${lsn}; of branch ${branch.id} it has ${has}, and ${promised} was promised`,
    );
  }

  #forget(branch: Branch, entry: Acknowledged, reached: number): void {
    if (reached <= branch.forkedAt) this.#branches.delete(branch);
    else {
      entry.any = reached;
      entry.synchronous = Math.min(entry.synchronous, reached);
    }
  }

  choose(mandate: Mandate): void {
    this.#mandates.push(mandate);
  }

  /** The reign on this branch is known to everybody. */
  announced({ branch }: WalEnd): void {
    for (let own: Branch | undefined = branch; own !== undefined; own = own.parent) this.#announced.add(own);
  }

  /** The same as below, of the branches whose primary was announced. */
  announcedByNow(): ReadonlyMap<Branch, number> {
    return new Map([...this.promisedByNow()].filter(([branch]) => this.#announced.has(branch)));
  }

  /** The last record of each branch that was acknowledged after standbys had it. */
  promisedByNow(): ReadonlyMap<Branch, number> {
    return new Map([...this.#branches].map(([branch, { synchronous }]) => [branch, synchronous]));
  }

  /** Before the content of a data directory is thrown away, all or in part: is there something only here? */
  overwrites(instance: Instance, how: string): void {
    const { end, isMixed } = instance.directory;
    if (end === undefined || isMixed) return;
    for (const [branch, { any }] of this.#branches) {
      const here = Math.min(any, reach(end, branch));
      if (
        here <= branch.forkedAt ||
        this.#world.instances.some((other) => other !== instance && holds(other, branch, here))
      )
        continue;
      this.#world.fail(
        'only copy overwritten',
        `${how} of ${instance.name}: nobody else has branch ${branch.id} up to ${here}, which was acknowledged`,
      );
    }
  }
}

/** Up to where nothing may be missing. */
function promisedBy(
  mandate: Mandate | undefined,
  branch: Branch,
  { any, synchronous }: Acknowledged,
): number {
  switch (mandate?.by) {
    case undefined:
      return any;
    case 'person':
      return -1;
    case 'operator':
      return Math.min(synchronous, mandate.promised.get(branch) ?? -1);
  }
}

function holds({ directory }: Instance, branch: Branch, lsn: number): boolean {
  return directory.end !== undefined && !directory.isMixed && reach(directory.end, branch) >= lsn;
}
