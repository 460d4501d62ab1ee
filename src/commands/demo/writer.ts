import pg from 'pg';
import { messageOf } from '../../errors/manager-error.ts';
import { type Acknowledgement, GapTracker } from './gaps.ts';

/** Milliseconds between two rows. */
const rhythm = 20;
/** Milliseconds before the next try when a connection could not be made, or was lost. */
const reconnectPause = 10;
const connectTimeout = 1_000;
/** Milliseconds for the connection at the end, and as many for the reading of the table. */
const auditTimeout = 20_000;

export interface WriterEvents {
  readonly clock: () => number;
  readonly onRow: (row: Acknowledgement) => void;
}

/** What became of the rows. */
export interface Audit {
  readonly primary: string;
  readonly acknowledged: number;
  /** Numbers of acknowledged rows that are not there. */
  readonly lost: readonly number[];
  /** Rows that are there although the client never got an answer: the connection was lost in between. */
  readonly unanswered: number;
}

/**
 * A client that inserts a row at a time, 50 a second at most, wherever the primary of the Cluster is, and remembers what it
 * was told. A row without an answer is not tried again: nobody could tell whether it is there.
 */
export class Writer {
  readonly gaps = new GapTracker();
  /** Rows that were sent and not acknowledged. */
  unanswered = 0;
  /** Connections that could not be made. */
  refused = 0;
  lastError = '';
  readonly #events: WriterEvents;
  readonly #ports: ReadonlyMap<string, number>;
  /** By the number of the row: who has acknowledged it. */
  readonly #acknowledged = new Map<number, string>();
  #primary: string | undefined;
  #isPrimaryGone = Promise.withResolvers<never>();
  #isStopped = false;
  #done: Promise<void> | undefined;
  #next = 1;

  constructor(ports: ReadonlyMap<string, number>, events: WriterEvents) {
    this.#ports = ports;
    this.#events = events;
    this.#isPrimaryGone.promise.catch(() => {});
  }

  get count(): number {
    return this.#acknowledged.size;
  }

  /** Where to write from now on. */
  follow(primary: string): void {
    if (primary === this.#primary) return;
    this.#primary = primary;
    this.#leave(`${primary} is the primary now`);
  }

  start(): void {
    this.#done ??= this.#write();
  }

  /** Sends nothing more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#leave('the writer is stopped');
    await this.#done;
  }

  /** Compares every acknowledged row with the table on the primary. Rejects when that does not answer. */
  async audit(): Promise<Audit> {
    const primary = this.#primary ?? '';
    const client = this.#client(primary, auditTimeout);
    await client.connect();
    try {
      const { rows } = await client.query<{ id: number; by: string }>('SELECT id, by FROM written');
      const kept = new Map(rows.map(({ id, by }) => [id, by]));
      const lost = [...this.#acknowledged].filter(([id, by]) => kept.get(id) !== by).map(([id]) => id);
      const unanswered = rows.filter(({ id }) => !this.#acknowledged.has(id)).length;
      return { primary, acknowledged: this.count, lost, unanswered };
    } finally {
      await client.end();
    }
  }

  #leave(why: string): void {
    const former = this.#isPrimaryGone;
    this.#isPrimaryGone = Promise.withResolvers<never>();
    this.#isPrimaryGone.promise.catch(() => {});
    former.reject(new Error(why));
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      const primary = this.#primary;
      if (primary !== undefined) {
        await this.#writeTo(primary).catch((error: unknown) => {
          this.lastError = messageOf(error);
        });
      }
      await pause(reconnectPause);
    }
  }

  /** Until the connection ends, or another instance is the primary. */
  async #writeTo(primary: string): Promise<void> {
    const gone = this.#isPrimaryGone.promise;
    const client = this.#client(primary, connectTimeout);
    try {
      await Promise.race([client.connect(), gone]).catch((error: unknown) => {
        this.refused += 1;
        throw error;
      });
      await Promise.race([
        client.query('CREATE TABLE IF NOT EXISTS written(id int PRIMARY KEY, by text)'),
        gone,
      ]);
      while (!this.#isStopped) {
        const begun = this.#events.clock();
        await this.#insert(client, primary, gone);
        await pause(Math.max(0, rhythm - (this.#events.clock() - begun)));
      }
    } finally {
      // Not client.end(): it would wait for the answer to a row of a server that does not give any.
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
  }

  async #insert(client: pg.Client, primary: string, gone: Promise<never>): Promise<void> {
    const id = this.#next++;
    try {
      await Promise.race([
        client.query({ name: 'insert', text: 'INSERT INTO written VALUES ($1, $2)', values: [id, primary] }),
        gone,
      ]);
    } catch (error) {
      this.unanswered += 1;
      throw error;
    }
    this.#acknowledged.set(id, primary);
    this.#events.onRow(this.gaps.acknowledged(this.#events.clock(), primary));
  }

  #client(primary: string, timeout: number): pg.Client {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.#ports.get(primary) ?? 0,
      user: 'postgres',
      database: 'postgres',
      password: '',
      ssl: false,
      application_name: 'demo-writer',
      connectionTimeoutMillis: timeout,
      ...(timeout === auditTimeout ? { query_timeout: auditTimeout } : {}),
    });
    // A session that the server ends while it is idle would otherwise be an uncaught error.
    client.on('error', () => {});
    return client;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
