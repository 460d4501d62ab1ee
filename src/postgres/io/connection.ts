import type { Client } from 'pg';

/** The server of this instance, over its socket: the manager never talks to it through the network. */
export interface ServerAddress {
  readonly socketDirectory: string;
  readonly port: number;
}

export interface Login {
  readonly user: string;
  readonly database: string;
  readonly password?: string | undefined;
}

export interface ConnectionLimits {
  /** Milliseconds for the connection to be made. */
  readonly connectTimeout: number;
  /** Milliseconds for one statement, on the server and here; 0: none. */
  readonly statementTimeout: number;
}

/**
 * Opens a session with everything pinned that a role or database setting could turn against a superuser:
 * search_path above all (contract 02, 6.1). The library is loaded at the first call: the start of a server
 * does not wait for it.
 */
export async function connect(
  address: ServerAddress,
  login: Login,
  limits: ConnectionLimits,
): Promise<Client> {
  const { default: pg } = await import('pg');
  const settings = {
    search_path: 'pg_catalog,public,pg_temp',
    synchronous_commit: 'local',
    datestyle: 'ISO',
    intervalstyle: 'postgres',
    statement_timeout: String(limits.statementTimeout),
  };
  const client = new pg.Client({
    host: address.socketDirectory,
    port: address.port,
    user: login.user,
    database: login.database,
    // A password asked for without need would be looked up in the environment and in ~/.pgpass.
    password: login.password ?? '',
    ssl: false,
    application_name: 'cnpg-instance-manager',
    client_encoding: 'UTF8',
    options: Object.entries(settings)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: limits.connectTimeout,
    ...(limits.statementTimeout > 0 ? { query_timeout: limits.statementTimeout + 500 } : {}),
  });
  // An idle session that the server ends emits an error, which would otherwise count as uncaught.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** The five-character SQLSTATE of an error of the server, if it is one. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
