import { Process } from '../engine/process.ts';
import type { Random } from '../engine/random.ts';
import type { Caller, ClusterObject } from './store.ts';
import type { World } from './world.ts';

type Change = (cluster: ClusterObject) => Partial<ClusterObject> | undefined;

/** Somebody with a command line: reads the Cluster, changes it, and tries again until that has worked. */
export class Person implements Caller {
  readonly name = 'person';
  readonly process: Process;
  readonly random: Random;
  readonly #world: World;
  readonly #wishes: Change[] = [];

  constructor(world: World, random: Random) {
    this.#world = world;
    this.random = random;
    this.process = new Process(world.timetable, { offset: 0, pace: 1 }, random);
    this.process.begin();
  }

  /**
   * To an instance that streams as far as a person can see, and only while nothing else is under way; or back to the one that
   * was to be relieved, since the person has changed its mind.
   */
  switchOver(name: string): void {
    this.#change(({ currentPrimary, targetPrimary }) => {
      const server = this.#world.serverOf(name);
      const isPossible =
        currentPrimary === name
          ? targetPrimary !== name
          : currentPrimary === targetPrimary && server?.receiver !== undefined;
      return isPossible ? { targetPrimary: name } : undefined;
    });
  }

  fence(name: string, isFenced: boolean): void {
    this.#change(({ fenced }) => {
      const others = fenced.filter((one) => one !== name);
      return { fenced: isFenced ? [...others, name] : others };
    });
  }

  /** One thing after the other, as people do. */
  #change(change: Change): void {
    this.#wishes.push(change);
    if (this.#wishes.length === 1) this.#grant();
  }

  #grant(): void {
    const change = this.#wishes[0];
    if (change === undefined) return;
    const { store } = this.#world;
    const again = () => this.process.after(500, () => this.#grant());
    const next = () => {
      this.#wishes.shift();
      this.#grant();
    };
    store.request(
      this,
      5_000,
      () => store.cluster,
      (cluster) => {
        if (cluster === undefined) {
          again();
          return;
        }
        const changed = change(cluster);
        if (changed === undefined) {
          next();
          return;
        }
        const effect = () => {
          const answer = store.writeCluster(cluster.version, changed);
          const { targetPrimary } = changed;
          if (answer !== 'conflict' && targetPrimary !== undefined) {
            this.#world.ledger.choose({ by: 'person', chosen: targetPrimary });
          }
          return answer;
        };
        store.request(this, 5_000, effect, (answer) => {
          if (answer === undefined || answer === 'conflict') again();
          else next();
        });
      },
    );
  }
}
