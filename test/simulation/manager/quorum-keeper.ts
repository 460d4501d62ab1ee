import { synchronousStandbys } from '../../../src/postgres/synchronous.ts';
import type { SynchronousNames } from '../world/data-directory.ts';
import type { Server } from '../world/server.ts';
import type { QuorumObject } from '../world/store.ts';
import type { Manager } from './manager.ts';

const requestTimeout = 5_000;

/** `synchronous_standby_names` as every instance works it out from the Cluster (contract 03, 3.20). */
export function namesFor({ world, view }: Manager): SynchronousNames | undefined {
  const { synchronous } = world;
  if (synchronous === undefined) return undefined;
  const standbys = synchronousStandbys({
    metadata: { name: 'c' },
    spec: { postgresql: { synchronous } },
    status: {
      currentPrimary: view.latest?.currentPrimary,
      instanceNames: world.instances.map((instance) => instance.name),
      instancesStatus: { healthy: view.latest?.healthy ?? [] },
    },
  });
  if (standbys === undefined) return undefined;
  const method = standbys.method === 'ANY' ? 'any' : 'first';
  return { method, number: standbys.number, names: standbys.standbyNames };
}

/**
 * Keeps FailoverQuorum never weaker than what the running server waits for: zeroed before a change of the configuration,
 * written after it (contract 03, 3.20).
 */
export class QuorumKeeper {
  readonly #manager: Manager;
  #isBusy = false;
  /** The names that the server waits for, and how far its WAL was when they were first seen in force. */
  #loaded:
    | { readonly server: Server; readonly names: SynchronousNames | undefined; readonly lsn: number }
    | undefined;

  constructor(manager: Manager) {
    this.#manager = manager;
  }

  look(): void {
    const { world, name, view, server } = this.#manager;
    if (world.synchronous === undefined || this.#isBusy || server?.isAnswering !== true) return;
    if (view.latest === undefined) return;
    const wanted = namesFor(this.#manager);
    const isDue = !isSame(server.commits.synchronous, wanted);
    const isSettled = view.latest.currentPrimary === name && view.latest.targetPrimary === name;
    if (!isSettled || server.role !== 'primary') {
      if (isDue) this.#reload(wanted);
    } else if (isDue) this.#change(undefined, () => this.#reload(wanted));
    else this.#advertise(server, wanted);
  }

  /**
   * What was acknowledged under older names may be on none of the new ones: until enough of those have all of it, any
   * failover to them could lose it.
   */
  #advertise(server: Server, wanted: SynchronousNames | undefined): void {
    const { world, name, rules } = this.#manager;
    const advertised = withoutName(wanted, name);
    if (isSame(world.store.quorum.synchronous, advertised)) return;
    if (this.#loaded?.server !== server || !isSame(this.#loaded.names, wanted)) {
      this.#loaded = { server, names: wanted, lsn: server.directory.end!.lsn };
    }
    const hasAll = (server.commits.reachedSynchronously() ?? -1) >= this.#loaded.lsn;
    if (hasAll || !rules.waitsForNewStandbys || wanted === undefined) this.#change(advertised, () => {});
  }

  #reload(wanted: SynchronousNames | undefined): void {
    const { instance, server } = this.#manager;
    if (server === undefined) return;
    instance.directory.synchronous = wanted;
    this.#isBusy = true;
    this.#manager.later(2, 50, () => {
      this.#isBusy = false;
      server.reload();
      this.look();
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

function withoutName(names: SynchronousNames | undefined, name: string): SynchronousNames | undefined {
  return names === undefined ? undefined : { ...names, names: names.names.filter((one) => one !== name) };
}

function isSame(one: SynchronousNames | undefined, other: SynchronousNames | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.method === other.method && one.number === other.number && one.names.join() === other.names.join()
  );
}
