import type { World } from '../world/world.ts';
import type { Manager } from './manager.ts';

/** Milliseconds of the asker's clock in which all must have promised (as src/instance/vouchers.ts). */
const patience = 1_000;

/** Asks all other instances for their promise, over the network between them. */
export class Vouchers {
  readonly #me: Manager;
  readonly #world: World;

  constructor(me: Manager) {
    this.#me = me;
    this.#world = me.world;
  }

  /** @param done whether all have promised; called once */
  ask(done: (areAllBound: boolean) => void): void {
    const { process, name, timings } = this.#me;
    const { duration } = timings;
    const others = this.#world.instances.filter((other) => other.name !== name);
    const needed = this.#world.rules.needsAllPromises ? others.length : 1;
    let promised = 0;
    let isOver = false;
    const finish = (areAllBound: boolean) => {
      if (isOver) return;
      isOver = true;
      done(areAllBound);
    };
    process.afterOwn(patience, () => finish(false));
    const { life } = process;
    for (const { manager } of others) {
      this.#send(manager, () => {
        const isPromised = manager.promise({ holder: name, giver: manager.name, duration });
        if (!isPromised) return;
        this.#world.promises.promised(manager.name, name, duration);
        if (!this.#world.network.isOpen(name, manager.name)) return;
        this.#world.timetable.after(this.#world.latency(), () =>
          process.deliver(life, () => {
            promised += 1;
            if (promised >= needed) finish(true);
          }),
        );
      });
    }
  }

  #send(other: Manager, run: () => void): void {
    if (!this.#world.network.isOpen(this.#me.name, other.name)) return;
    const { life } = other.process;
    this.#world.timetable.after(this.#world.latency(), () => other.process.deliver(life, run));
  }
}
