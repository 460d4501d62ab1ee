import { relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FileSource } from '../../cluster/file-source.ts';
import { Chronicle } from './chronicle.ts';
import { resolve, type World } from './conditions.ts';
import type { WriteGap } from './gaps.ts';
import { ImpossibleError } from './impossible-error.ts';
import { InstanceProcess } from './instance-process.ts';
import { News } from './news.ts';
import { Observer } from './observer.ts';
import { Operator } from './operator.ts';
import { pictureOf } from './picture.ts';
import type { Place, Stage } from './place.ts';
import type { Command, Condition, InstanceVerb, Target } from './script.ts';
import { duration } from './text.ts';
import type { DemoView, InstanceFacts } from './view.ts';
import { waitFor } from './waiting.ts';
import { type Audit, Writer } from './writer.ts';

/** Milliseconds between two looks at the server of a frozen manager. */
const frozenPeriod = 50;
/** Milliseconds that the managers get to stop in order at the end; what is left then is killed. */
const stopPatience = 15_000;

/** Something that was done, for the list at the end. */
export interface Deed {
  readonly text: string;
  readonly gap: WriteGap;
}

/** Three instances, a client that writes, and you. */
export class Demo {
  readonly chronicle: Chronicle;
  readonly writer: Writer;
  readonly deeds: Deed[] = [];
  readonly #clock: () => number;
  readonly #stage: Stage;
  readonly #observer: Observer;
  readonly #operator: Operator;
  readonly #processes: readonly InstanceProcess[];
  readonly #news: News;
  #commandAt = 0;
  #isEnding = false;

  constructor(stage: Stage, source: FileSource) {
    const begun = performance.now();
    this.#clock = () => performance.now() - begun;
    this.#stage = stage;
    this.chronicle = new Chronicle(this.#clock);
    this.#news = new News(this.chronicle, this.#clock);
    const { places } = stage;
    this.writer = new Writer(new Map(places.map(({ name, port }) => [name, port])), {
      clock: this.#clock,
      onRow: (row) => this.#news.row(row),
    });
    this.#observer = new Observer(places, source, {
      clock: this.#clock,
      onCluster: (cluster) => {
        this.#news.cluster(cluster);
        const { currentPrimary = '' } = cluster.status ?? {};
        if (currentPrimary !== '') this.writer.follow(currentPrimary);
      },
      onLease: (holder, before) => this.#news.lease(holder, before),
    });
    this.#operator = new Operator(source, places, this.#clock, (cluster) => this.#observer.see(cluster));
    this.#processes = places.map((place) => this.#processOf(place));
  }

  /** As a person would name the directory. */
  get #home(): string {
    const { directory } = this.#stage;
    const path = relative(process.cwd(), directory);
    return path.startsWith('..') ? directory : path;
  }

  /** Whether the instances have been made and a row was acknowledged: before that there is little to try. */
  get isMade(): boolean {
    return this.writer.count > 0;
  }

  /** Starts everything and returns at once. */
  async begin(): Promise<void> {
    const { major, places } = this.#stage;
    this.chronicle.note(
      'demo',
      `PostgreSQL ${major}, ${places.length} managers, one Cluster: ${this.#home}/cluster.yaml`,
    );
    await this.#observer.start();
    for (const process of this.#processes) process.start();
    this.writer.start();
  }

  /**
   * Carries out one command.
   *
   * @returns false when it was the last one
   * @throws ImpossibleError, WaitError, AbortError
   */
  async perform(command: Command, signal: AbortSignal): Promise<boolean> {
    switch (command.kind) {
      case 'instance':
        await this.#order(command.verb, command.target);
        return true;
      case 'failover': {
        const chosen = await this.#carryOut('fail over to the standby that has most', () =>
          this.#operator.failOver(),
        );
        this.chronicle.note('cluster', `${chosen} is chosen`);
        return true;
      }
      case 'wait':
        await this.#wait(command.condition, command.seconds, signal);
        return true;
      case 'say':
        this.chronicle.note('', command.text);
        return true;
      case 'show':
        return true;
      case 'quit':
        return false;
    }
  }

  /** Compares the rows with what the client was told. Undefined when no primary answers. */
  async audit(): Promise<Audit | undefined> {
    this.#isEnding = true;
    await this.writer.stop();
    return this.writer.audit().catch(() => undefined);
  }

  /** Stops all instances in order, as far as they do so in time. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.writer.stop();
    this.#observer.stop();
    const all = Promise.all(this.#processes.map((process) => process.finish()));
    const enough = new AbortController();
    await Promise.race([all, pause(stopPatience, undefined, { signal: enough.signal }).catch(() => {})]);
    enough.abort();
  }

  /** @param chosen number of the instance that keys are for; 0: none */
  view(chosen: number): DemoView {
    return pictureOf({
      at: this.#clock(),
      title: `manager demo: three instances of one Cluster, PostgreSQL ${this.#stage.major}, ${this.#home}`,
      chosen,
      facts: this.#facts(),
      status: this.#observer.cluster?.status ?? {},
      lease: this.#observer.lease,
      writer: this.writer,
      entries: this.chronicle.entries,
    });
  }

  async #order(verb: InstanceVerb, target: Target): Promise<void> {
    const facts = this.#facts();
    const found = resolve(target, { instances: facts, status: this.#observer.cluster?.status ?? {} });
    const process = this.#processes.find(({ place }) => place.name === found?.name);
    if (process === undefined) throw new ImpossibleError('the Cluster has no primary');
    const { name } = process.place;
    const act = {
      promote: [`promote ${name}`, () => this.#promote(process)],
      kill: [`kill -9 of all processes of ${name}`, () => process.kill()],
      start: [`start ${name}`, () => process.start()],
      stop: [`stop ${name} in order`, () => process.stop()],
      freeze: [`freeze the manager of ${name}`, () => this.#freeze(process)],
      thaw: [`thaw the manager of ${name}`, () => process.thaw()],
      fence: [`fence ${name}`, () => this.#operator.fence(name)],
      unfence: [`unfence ${name}`, () => this.#operator.unfence(name)],
    } as const satisfies Record<InstanceVerb, readonly [string, () => void | Promise<void>]>;
    const [text, carryOut] = act[verb];
    await this.#carryOut<void>(text, carryOut);
  }

  async #promote(process: InstanceProcess): Promise<void> {
    if (process.state !== 'running') throw new ImpossibleError(`its manager is ${process.state}`);
    await this.#operator.promote(process.place.name);
  }

  #freeze(process: InstanceProcess): void {
    process.freeze();
    void this.#watchFrozen(process, this.#clock());
  }

  /** A frozen manager cannot say what its watchdog does. */
  async #watchFrozen(process: InstanceProcess, since: number): Promise<void> {
    const { name } = process.place;
    if (!process.hasServer) return;
    while (process.hasServer) {
      await pause(frozenPeriod);
      if (process.state !== 'frozen') return;
    }
    const took = duration(this.#clock() - since);
    this.chronicle.note(name, `its watchdog has stopped the server, ${took} after the manager froze`);
  }

  /** What is seen from now on is the effect of this order. One that is impossible is none. */
  async #carryOut<T>(text: string, act: () => T | Promise<T>): Promise<T> {
    const at = this.#clock();
    this.#commandAt = at;
    this.#news.orderGiven();
    const deed = { text, gap: this.writer.gaps.event(at) };
    this.deeds.push(deed);
    this.chronicle.note('you', text, deed.gap);
    try {
      return await act();
    } catch (error) {
      this.deeds.splice(this.deeds.indexOf(deed), 1);
      throw error;
    }
  }

  async #wait(condition: Condition, seconds: number, signal: AbortSignal): Promise<void> {
    const waitingSince = this.#clock();
    const rowsBefore = this.writer.count;
    await waitFor(condition, seconds, () => this.#world(waitingSince, rowsBefore), signal);
    if (condition.kind !== 'healthy') return;
    const took = `, ${duration(this.#clock() - this.#commandAt)} after the last order`;
    this.chronicle.note('demo', `all three are healthy${this.deeds.length === 0 ? '' : took}`);
  }

  #world(waitingSince: number, rowsBefore: number): World {
    const { gaps, count } = this.writer;
    return {
      now: this.#clock(),
      since: this.#commandAt,
      status: this.#observer.cluster?.status ?? {},
      instances: this.#facts(),
      lastRow: gaps.last,
      rows: count - rowsBefore,
      waitingSince,
    };
  }

  #facts(): InstanceFacts[] {
    return this.#processes.map((process) => ({
      number: process.place.number,
      name: process.place.name,
      port: process.place.port,
      process: process.state,
      end: process.end,
      // Looked for only when somebody asks: it takes a walk through /proc.
      get hasServer() {
        return process.hasServer;
      },
      report: this.#observer.report(process.place.name),
      doing: this.#news.doing(process.place.name),
    }));
  }

  #processOf(place: Place): InstanceProcess {
    const { name } = place;
    return new InstanceProcess(place, this.#stage, {
      onLine: (line) => this.#news.line(name, line),
      onEnd: (how) => {
        this.#news.ended(name, this.#isEnding ? undefined : how);
      },
    });
  }
}
