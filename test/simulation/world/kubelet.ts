import type { Instance } from './instance.ts';
import type { World } from './world.ts';

const period = 1_000;

/** The kubelet's view of the containers: a Pod is Ready, or not, some time after that has become true. */
export class Kubelet {
  readonly #world: World;
  readonly #threshold: number;
  readonly #failures = new Map<string, number>();
  readonly #deadFor = new Map<string, number>();

  /** @param threshold failed probes in a row after which a Pod is not Ready */
  constructor(world: World, threshold: number) {
    this.#world = world;
    this.#threshold = threshold;
    this.#tick();
  }

  isReady(instance: Instance): boolean {
    return (this.#failures.get(instance.name) ?? this.#threshold) < this.#threshold;
  }

  /** Whether the Pod is there at all: one on a lost machine is deleted at some time. */
  isActive(name: string): boolean {
    return (
      this.#world.instances.some((instance) => instance.name === name) && (this.#deadFor.get(name) ?? 0) < 15
    );
  }

  #tick(): void {
    for (const instance of this.#world.instances) {
      const { name, manager, server } = instance;
      const isGood = manager.process.isRunning && server?.letsIn === true;
      this.#failures.set(name, isGood ? 0 : (this.#failures.get(name) ?? 0) + 1);
      this.#deadFor.set(name, manager.process.isAlive ? 0 : (this.#deadFor.get(name) ?? 0) + 1);
    }
    this.#world.timetable.after(period, () => this.#tick());
  }
}
