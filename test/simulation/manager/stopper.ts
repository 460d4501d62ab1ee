import {
  governingEvent,
  type StopEvent,
  type StopMode,
  type StopPolicy,
  stopDeadline,
} from '../../../src/alignment/stop-plan.ts';
import type { Process } from '../engine/process.ts';
import type { Instance } from '../world/instance.ts';
import type { Server } from '../world/server.ts';
import type { Rules } from './rules.ts';

/** Seconds: spec.stopDelay, spec.switchoverDelay, and what an immediate stop gets in peace (contract 03, 3.11). */
const fastSeconds = { usual: 1_800, handOver: 3_600 } as const;
const immediateSeconds = 60;
/** Milliseconds after which a stop goes on without the checkpoint when nobody is answered. */
const silencePatience = 3_000;

/** Brings one server down as src/alignment/stop-plan.ts decides, from one deadline to the next. */
export class Stopper {
  readonly #instance: Instance;
  readonly #process: Process;
  readonly #rules: Rules;
  readonly #smartSeconds: number;
  /** The one that is stopped, and none that comes after it. */
  readonly #server: Server | undefined;
  mode: StopMode | undefined;
  cause: StopEvent | undefined;
  #governing: StopEvent | undefined;
  #order = 0;

  constructor(instance: Instance, process: Process, rules: Rules, smartSeconds: number) {
    this.#instance = instance;
    this.#server = instance.server;
    this.#process = process;
    this.#rules = rules;
    this.#smartSeconds = smartSeconds;
  }

  push(event: StopEvent): void {
    this.cause ??= event;
    const before = this.mode;
    const governed = this.#governing;
    if (before === undefined || this.#rules.shortensStops) this.#governing = governingEvent(governed, event);
    const isNewlyGoverned = this.#governing !== governed;
    const mode = this.#rules.nextStopMode(before, event, this.#policy());
    this.mode = mode;
    // Time may have become short although the mode is the same.
    if (mode !== before || mode === 'kill' || isNewlyGoverned) this.#wait(mode);
    if (mode === before && mode !== 'kill') return;
    if (before === undefined && (mode === 'smart' || mode === 'fast')) this.#checkpointThenSignal(mode);
    else this.#present?.signal(mode);
  }

  #wait(mode: StopMode): void {
    this.#order += 1;
    const order = this.#order;
    this.#process.afterOwn(stopDeadline(mode, this.#policy()), () => {
      if (order === this.#order && this.#present !== undefined) this.push('deadline');
    });
  }

  #checkpointThenSignal(mode: StopMode): void {
    const { random } = this.#instance;
    const server = this.#present;
    const goOn = () => {
      if (this.mode === mode) this.#present?.signal(mode);
    };
    if (server === undefined) return;
    if (server.phase === 'starting') goOn();
    else if (!server.isAnswering) this.#process.after(silencePatience, goOn);
    else if (server.role === 'standby') goOn();
    else this.#process.after(random.between(5, 400), goOn);
  }

  get #present(): Server | undefined {
    return this.#instance.server === this.#server ? this.#server : undefined;
  }

  /** How long each mode may take. */
  #policy(): StopPolicy {
    return {
      smartSeconds: this.#smartSeconds,
      fastSeconds: this.#governing === 'hand over' ? fastSeconds.handOver : fastSeconds.usual,
      immediateSeconds:
        this.#governing === 'isolation' ? this.#rules.isolationPatience / 1_000 : immediateSeconds,
    };
  }
}
