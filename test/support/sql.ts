import pg from 'pg';

/** A session as the superuser, which whoever asks for it must end with `drop`. */
export function clientOf(port: number): pg.Client {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: 2_000,
  });
  client.on('error', () => {});
  return client;
}

/** Ends a session at once, whether the server answers or not. */
export function drop(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** The first column of the first row; rejects when there is no answer within five seconds. */
export async function askServer(port: number, sql: string): Promise<unknown> {
  const client = clientOf(port);
  try {
    await client.connect();
    const question = { text: sql, rowMode: 'array', query_timeout: 5_000 } as const;
    const answer = await client.query<unknown[]>(question);
    // Several statements have several answers; the last one counts.
    const { rows } = Array.isArray(answer) ? (answer.at(-1) as typeof answer) : answer;
    return rows[0]?.[0];
  } finally {
    drop(client);
  }
}
