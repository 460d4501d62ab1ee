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

/** Whose word has made an instance the primary: what may be lost depends on it. */
export type Mandate =
  | { readonly by: 'person' }
  /**
   * R + W > N holds for what was acknowledged when the operator looked at the instances: `promised`. What comes later is
   * safe only as long as no standby goes back to the old primary. Undefined: everything is promised.
   */
  | { readonly by: 'operator'; readonly promised: ReadonlyMap<Branch, number> | undefined };

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

  constructor(world: World) {
    this.#world = world;
  }

  acknowledge(server: Server, isSynchronous: boolean, { branch, lsn }: WalEnd): void {
    this.acknowledged += 1;
    if (server !== this.#reigning) {
      // Another one has begun meanwhile: a machine that stood still, and goes on (see Promises).
      this.lost += 1;
      if (isSynchronous)
        this.#world.fail('synchronous write lost', `${server.name} acknowledges after its reign`);
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
   * An instance begins to take writes. What was acknowledged and is not in its WAL is lost now: by the rules, when nobody
   * had waited for a standby, or when a person has chosen; otherwise a promise is broken.
   */
  reignBegins(instance: Instance, server: Server): void {
    // A machine that stood still goes on with what it was about to do; see Promises. Nobody's data depends on it.
    if (!this.#world.promises.isSureOfLease(instance)) return;
    const end = instance.directory.end!;
    this.#reigning = server;
    for (const [branch, entry] of this.#branches) {
      const reached = reach(end, branch);
      if (entry.any <= reached) continue;
      const { mandate } = this.#world;
      const promised = mandate.by === 'person' ? -1 : promisedOf(mandate.promised, branch, entry);
      if (entry.synchronous > reached && promised <= reached) this.lostAfterTheLook += 1;
      if (promised > reached) {
        this.#world.fail(
          'synchronous write lost',
          `${instance.name} begins to reign at ${end.branch.timeline}/${end.lsn}; of branch ${branch.id} it has ` +
            `${reached < 0 ? 'nothing' : `up to ${reached}`}, and ${promised} was acknowledged after standbys had it`,
        );
      }
      this.lost += entry.any - Math.max(reached, branch.forkedAt);
      this.#forget(branch, entry, reached);
    }
  }

  #forget(branch: Branch, entry: Acknowledged, reached: number): void {
    if (reached <= branch.forkedAt) this.#branches.delete(branch);
    else {
      entry.any = reached;
      entry.synchronous = Math.min(entry.synchronous, reached);
    }
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

function promisedOf(
  promised: ReadonlyMap<Branch, number> | undefined,
  branch: Branch,
  { synchronous }: Acknowledged,
): number {
  return promised === undefined ? synchronous : Math.min(synchronous, promised.get(branch) ?? -1);
}

function holds({ directory }: Instance, branch: Branch, lsn: number): boolean {
  return directory.end !== undefined && !directory.isMixed && reach(directory.end, branch) >= lsn;
}
