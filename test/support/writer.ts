import type pg from 'pg';
import { onTestFinished } from 'vitest';
import { drop } from './sql.ts';
import { type Fate, stateGap } from './write-gap.ts';

/** One row that the client knows to be committed. */
export interface Acknowledged {
  readonly id: number;
  /** Who said so. */
  readonly by: string;
  /** Milliseconds. */
  readonly at: number;
}

/** The instances that a client may write to, on one machine or in Pods. */
export interface Instances {
  /** The present primary, as the Cluster has it. */
  primary(): Promise<string | undefined>;
  /** Calls back with the primary whenever the Cluster has changed. @returns the way to stop */
  onPrimary(listener: (primary: string) => void): () => void;
  /** A session that has not been connected yet. */
  client(instance: string): pg.Client;
  query(instance: string, sql: string): Promise<unknown>;
  /** The same, undefined when there is no answer. */
  ask(instance: string, sql: string): Promise<unknown>;
  eventually<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>>;
  /** Waits until all are as they should be. @returns the primary */
  healthy(): Promise<string>;
  others(instance: string): readonly string[];
}

export interface WriterOptions {
  readonly table?: string;
  /** The one instance to write to, whoever the primary is: a client that nobody tells of a change. */
  readonly only?: string;
}

/** Milliseconds between two rows: a client that thinks. */
const rhythm = 3;
const reconnectPause = 10;

/**
 * A client that inserts 1, 2, 3 and so on, each in a transaction of its own, wherever the primary is. It remembers what it
 * was told, so that the end of a test can tell what became of every row.
 */
export class Writer {
  readonly acknowledged: Acknowledged[] = [];
  /** The last error, for the message of a failure. */
  trouble = '';
  readonly #cluster: Instances;
  readonly #table: string;
  readonly #only: string | undefined;
  readonly #stopped = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #next = 1;
  #held: PromiseWithResolvers<void> | undefined;
  #isPaused = false;

  private constructor(cluster: Instances, { table = 'written', only }: WriterOptions) {
    this.#cluster = cluster;
    this.#table = table;
    this.#only = only;
  }

  /** Begins, and has written its first rows. */
  static async start(cluster: Instances, options: WriterOptions = {}): Promise<Writer> {
    const writer = new Writer(cluster, options);
    const primary = await writer.#wherever();
    await cluster.query(primary!, `CREATE TABLE ${writer.#table}(id int PRIMARY KEY)`);
    writer.#done = writer.#write();
    onTestFinished(() => writer.stop());
    await writer.more();
    return writer;
  }

  /** Waits until some more rows were acknowledged, by this instance if one is named. */
  async more(by?: string): Promise<void> {
    const count = () => this.by(by).length;
    const enough = count() + 50;
    const where = by === undefined ? '' : ` to ${by}`;
    await this.#cluster
      .eventually(`rows written${where}`, () => count() >= enough)
      .catch((error: Error) => {
        throw new Error(`${this.trouble}\n${error.message}`);
      });
  }

  /** Rows that this instance has acknowledged; undefined: all. */
  by(name: string | undefined): Acknowledged[] {
    return this.acknowledged.filter((row) => name === undefined || row.by === name);
  }

  /** Writes nothing until `goOn`. Resolves when the last row has its answer. */
  async hold(): Promise<void> {
    this.#held = Promise.withResolvers();
    await this.#cluster.eventually('the writer to pause', () => this.#isPaused);
  }

  goOn(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.goOn();
    await this.#done;
  }

  /** Seconds between the two acknowledged rows that are furthest apart. */
  get gap(): number {
    const times = this.acknowledged.map((row) => row.at);
    return Math.max(0, ...times.slice(1).map((time, index) => time - times[index]!)) / 1000;
  }

  /**
   * Says in a line what the clients of this day have seen.
   *
   * @param fate what the primary went through: it bounds the gap
   * @returns see `lost`
   */
  async conclude(scenario: string, fate: Fate): Promise<Acknowledged[]> {
    const lost = await this.lost();
    stateGap(scenario, fate, this.gap, `${this.acknowledged.length} rows acknowledged, ${lost.length} lost`);
    return lost;
  }

  /** Stops, and waits until every instance holds the same rows. @returns acknowledged rows that are nowhere any more */
  async lost(): Promise<Acknowledged[]> {
    await this.stop();
    const primary = await this.#cluster.healthy();
    // The last row may still wait for a standby, on which it shows before it does on the primary: both are asked each time.
    let kept = await this.rowsOf(primary);
    for (const name of this.#cluster.others(primary)) {
      await this.#cluster.eventually(`${name} to hold what ${primary} holds`, async () => {
        kept = await this.rowsOf(primary);
        const rows = await this.rowsOf(name);
        return rows.size === kept.size && [...rows].every((id) => kept.has(id));
      });
    }
    return this.acknowledged.filter(({ id }) => !kept.has(id));
  }

  /** Numbers of the rows that an instance holds. */
  async rowsOf(name: string): Promise<Set<number>> {
    const rows = await this.#cluster.ask(name, `SELECT array_agg(id) FROM ${this.#table}`);
    return new Set(rows as number[] | undefined);
  }

  async #wherever(): Promise<string | undefined> {
    return this.#only ?? (await this.#cluster.primary());
  }

  async #write(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        const primary = await this.#wherever();
        if (primary !== undefined) await this.#writeTo(primary);
      } catch (error) {
        this.trouble = String(error);
      }
      await pause(reconnectPause);
    }
  }

  /** Until the connection ends, or another instance is the primary. */
  async #writeTo(primary: string): Promise<void> {
    const client = this.#cluster.client(primary);
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => {});
    const stop = () => over.reject(new Error('stopped'));
    const unwatch = this.#cluster.onPrimary((current) => {
      if (this.#only === undefined && current !== primary)
        over.reject(new Error(`${current} is the primary now`));
    });
    this.#stopped.signal.addEventListener('abort', stop);
    try {
      await Promise.race([client.connect(), over.promise]);
      while (!this.#stopped.signal.aborted) {
        const id = this.#next++;
        const inserted = client.query(`INSERT INTO ${this.#table} VALUES ($1)`, [id]);
        await Promise.race([inserted, over.promise]);
        this.acknowledged.push({ id, by: primary, at: performance.now() });
        this.#isPaused = this.#held !== undefined;
        await (this.#held?.promise ?? pause(rhythm));
        this.#isPaused = false;
      }
    } finally {
      unwatch();
      this.#stopped.signal.removeEventListener('abort', stop);
      drop(client);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
