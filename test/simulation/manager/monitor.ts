import type { InstanceFacts } from '../../../src/alignment/facts.ts';
import { freshObservation, type Observation } from '../../../src/alignment/observation.ts';
import type { Process } from '../engine/process.ts';
import type { Instance } from '../world/instance.ts';

/** Milliseconds between two questions to the server, and while a change of role depends on the answer. */
const period = { usual: 650, hurried: 60 } as const;
/** A slow server answers a question now and then. */
const slowAnswer = 4_000;
/** Milliseconds without an answer after which nothing is known of the server's role any more. */
const roleIsKnownFor = 3_000;
/** Vitals are asked for every 5 s; a stall shows between two of them. */
const vitalsPeriod = 5_000;

/** What a manager knows of its server: the answers to its questions, each of them older than the truth. */
export class Monitor {
  readonly #instance: Instance;
  readonly #process: Process;
  readonly observation: Observation;
  #role: InstanceFacts['role'] = 'unknown';
  #receiver: InstanceFacts['receiver'] = 'unknown';
  #isAsking = false;
  isHurried = false;
  /** Called when an answer changes what is known. */
  readonly #onNews: () => void;

  constructor(instance: Instance, process: Process, onNews: () => void) {
    this.#instance = instance;
    this.#process = process;
    this.#onNews = onNews;
    this.observation = freshObservation(process.clock());
  }

  /** A server was started, or found. */
  begin(): void {
    const { observation } = this;
    observation.phase = 'starting';
    observation.phaseSince = this.#process.clock();
    observation.answeredAt = undefined;
    observation.acceptedAt = undefined;
    observation.refusedAt = undefined;
    observation.writePath = undefined;
    this.#role = 'unknown';
    this.#receiver = 'unknown';
    this.changed();
  }

  /** Something of the server has changed: the next question shows it. */
  changed(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { random } = this.#instance;
    const isShort = this.isHurried || this.observation.phase === 'starting';
    const delay =
      random.between(isShort ? 5 : 100, isShort ? period.hurried : period.usual) +
      (this.#instance.isSlow ? random.between(0, slowAnswer) : 0);
    this.#process.after(delay, () => {
      this.#isAsking = false;
      this.#ask();
    });
  }

  #ask(): void {
    const { server } = this.#instance;
    if (server === undefined) return;
    if (!server.isAnswering) {
      this.changed();
      return;
    }
    const { observation } = this;
    if (observation.phase === 'starting') observation.phase = 'running';
    const silence = this.#process.clock() - (observation.answeredAt ?? Number.NEGATIVE_INFINITY);
    this.#touch();
    const receiver = server.receiver === undefined ? 'idle' : 'receiving';
    // After a silence nothing was known, although nothing may have changed.
    const isNews = this.#role !== server.role || this.#receiver !== receiver || silence > roleIsKnownFor;
    this.#role = server.role;
    this.#receiver = receiver;
    if (isNews) this.#onNews();
  }

  /** The monitor asks all the time; here its answers are worked out when somebody wants them. */
  look(): Observation {
    this.#touch();
    return this.observation;
  }

  #touch(): void {
    const { observation } = this;
    const now = this.#process.clock();
    observation.loopBeatAt = now;
    const { server, isSlow, isStorageStalled } = this.#instance;
    if (server?.isRefusing === true) observation.refusedAt = now;
    if (observation.phase !== 'running' || server === undefined) return;
    const isDue = (at: number | undefined) => !isSlow || at === undefined || now - at > slowAnswer;
    if (server.isAnswering && isDue(observation.answeredAt)) observation.answeredAt = now;
    if (server.letsIn && isDue(observation.acceptedAt)) observation.acceptedAt = now;
    if (!isStorageStalled || server.role === 'standby') observation.writePath = undefined;
    else {
      observation.writePath ??= { flushed: '', waiting: 1, stalledSince: now + vitalsPeriod };
    }
  }

  facts(): Pick<InstanceFacts, 'role' | 'receiver'> {
    const { phase, answeredAt } = this.look();
    const isKnown =
      phase === 'running' &&
      answeredAt !== undefined &&
      this.#process.clock() - answeredAt <= roleIsKnownFor + (this.#instance.isSlow ? slowAnswer : 0);
    return isKnown
      ? { role: this.#role, receiver: this.#receiver }
      : { role: 'unknown', receiver: 'unknown' };
  }
}
