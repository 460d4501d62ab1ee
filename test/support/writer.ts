import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { Cluster } from './cluster.ts';

/** One row that the client knows to be committed. */
export interface Acknowledged {
  readonly id: number;
  /** Who said so. */
  readonly by: string;
  /** Milliseconds. */
  readonly at: number;
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
  readonly #cluster: Cluster;
  readonly #stopped = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #next = 1;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Begins, and has written its first rows. */
  static async start(cluster: Cluster): Promise<Writer> {
    const primary = (await cluster.status()).currentPrimary!;
    await cluster.of(primary).query('CREATE TABLE written(id int PRIMARY KEY)');
    const writer = new Writer(cluster);
    writer.#done = writer.#write();
    onTestFinished(() => writer.stop());
    await writer.more();
    return writer;
  }

  /** Waits for some more rows to be acknowledged, by this instance if one is named. */
  async more(by?: string): Promise<void> {
    const count = () => this.acknowledged.filter((row) => by === undefined || row.by === by).length;
    const before = by === undefined ? count() : 0;
    await this.#cluster.eventually(`rows written${by === undefined ? '' : ` to ${by}`}`, () => {
      return count() >= before + 50;
    });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#done;
  }

  /** Seconds between the two acknowledged rows that are furthest apart. */
  get gap(): number {
    const times = this.acknowledged.map((row) => row.at);
    return Math.max(0, ...times.slice(1).map((time, index) => time - times[index]!)) / 1000;
  }

  /**
   * Stops, waits until every instance holds the same rows, and says in a line what the clients of this day have seen.
   *
   * @returns acknowledged rows that are nowhere any more
   */
  async conclude(scenario: string): Promise<Acknowledged[]> {
    await this.stop();
    const primary = await this.#cluster.healthy();
    const kept = await this.#rowsOf(primary);
    for (const name of this.#cluster.others(primary)) {
      await this.#cluster.eventually(`${name} to hold what ${primary} holds`, async () => {
        const rows = await this.#rowsOf(name);
        return rows.size === kept.size && [...rows].every((id) => kept.has(id));
      });
    }
    const lost = this.acknowledged.filter(({ id }) => !kept.has(id));
    process.stderr.write(
      `write gap: ${scenario}: ${this.gap.toFixed(2)} s; ${this.acknowledged.length} rows acknowledged, ${lost.length} lost\n`,
    );
    return lost;
  }

  async #rowsOf(name: string): Promise<Set<number>> {
    const rows = await this.#cluster.ask(name, 'SELECT array_agg(id) FROM written');
    return new Set(rows as number[] | undefined);
  }

  async #write(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      try {
        const primary = (await this.#cluster.status()).currentPrimary;
        if (primary !== undefined) await this.#writeTo(primary);
      } catch (error) {
        this.trouble = String(error);
      }
      await pause(reconnectPause);
    }
  }

  /** Until the connection ends, or another instance is the primary. */
  async #writeTo(primary: string): Promise<void> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.#cluster.portOf(primary),
      user: 'postgres',
      database: 'postgres',
      connectionTimeoutMillis: 1_000,
    });
    client.on('error', () => {});
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => {});
    const unwatch = this.#cluster.onPrimary((current) => {
      if (current !== primary) over.reject(new Error(`${current} is the primary now`));
    });
    const stop = () => over.reject(new Error('stopped'));
    this.#stopped.signal.addEventListener('abort', stop);
    try {
      await Promise.race([client.connect(), over.promise]);
      while (!this.#stopped.signal.aborted) {
        const id = this.#next++;
        await Promise.race([client.query('INSERT INTO written VALUES ($1)', [id]), over.promise]);
        this.acknowledged.push({ id, by: primary, at: performance.now() });
        await pause(rhythm);
      }
    } finally {
      unwatch();
      this.#stopped.signal.removeEventListener('abort', stop);
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
