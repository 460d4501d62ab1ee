import type { SynchronousNames } from '../world/data-directory.ts';
import type { QuorumObject } from '../world/store.ts';
import type { Manager } from './manager.ts';

const requestTimeout = 5_000;

/** `synchronous_standby_names` as every instance works it out from the Cluster (contract 03, 3.20; required durability). */
export function namesFor({ world, view }: Manager): SynchronousNames | undefined {
  const { synchronous } = world;
  if (synchronous === undefined) return undefined;
  const current = view.latest?.currentPrimary ?? '';
  const names = world.instances.map((instance) => instance.name).filter((name) => name !== current);
  return { method: synchronous.method, number: synchronous.number, names };
}

/**
 * Keeps FailoverQuorum never weaker than what the running server waits for: zeroed before a change of the configuration,
 * written after it (contract 03, 3.20).
 */
export class QuorumKeeper {
  readonly #manager: Manager;
  #isBusy = false;

  constructor(manager: Manager) {
    this.#manager = manager;
  }

  look(): void {
    const { world, name, view, server } = this.#manager;
    if (world.synchronous === undefined || this.#isBusy || server === undefined) return;
    const isSettled = view.latest?.currentPrimary === name && view.latest.targetPrimary === name;
    if (!isSettled || !server.takesWrites) return;
    const wanted = namesFor(this.#manager)!;
    if (!isSame(server.synchronous, wanted)) this.#change(undefined, () => this.#reload(wanted));
    else if (!isSame(world.store.quorum.synchronous, wanted)) this.#change(wanted, () => {});
  }

  #reload(wanted: SynchronousNames): void {
    const { instance, server } = this.#manager;
    if (server === undefined) return;
    instance.directory.synchronous = wanted;
    this.#manager.later(2, 50, () => {
      server.reload();
      this.#change(server.synchronous, () => {});
    });
  }

  /** Reads it live, and writes it unless it is like that already; on any trouble the next look begins anew. */
  #change(synchronous: SynchronousNames | undefined, then: () => void): void {
    const manager = this.#manager;
    const { store } = manager.world;
    this.#isBusy = true;
    const fail = () => {
      manager.later(500, 1_500, () => {
        this.#isBusy = false;
        this.look();
      });
    };
    const written = (answer: QuorumObject | 'conflict' | undefined) => {
      if (answer === undefined || answer === 'conflict') fail();
      else {
        this.#isBusy = false;
        then();
      }
    };
    const read = (quorum: QuorumObject | undefined) => {
      if (quorum === undefined) fail();
      else
        store.request(manager, requestTimeout, () => store.writeQuorum(quorum.version, synchronous), written);
    };
    store.request(manager, requestTimeout, () => store.quorum, read);
  }
}

function isSame(one: SynchronousNames | undefined, other: SynchronousNames | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.method === other.method && one.number === other.number && one.names.join() === other.names.join()
  );
}
