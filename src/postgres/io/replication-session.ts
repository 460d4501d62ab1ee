import { readFile } from 'node:fs/promises';
import type { Client, ClientConfig } from 'pg';
import type { ClientCertificate } from '../conninfo.ts';
import type { WalPast } from '../kinship.ts';
import { parseLsn } from '../lsn.ts';
import { parseTimelineHistory } from '../timeline-history.ts';

/** Another instance, in the network. */
export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly tls?: ClientCertificate | undefined;
  readonly applicationName: string;
}

/** Milliseconds for the connection and for each of two short questions. */
const patience = 5_000;

interface SystemRow {
  readonly systemid: string;
  readonly timeline: number;
  readonly xlogpos: string;
}

/**
 * Asks a server, over the replication protocol (PostgreSQL manual, 55.4), who it is and how its timeline came about.
 * Rejects when it does not answer or lets nobody in.
 */
export async function readPrimaryPast(address: PrimaryAddress, signal: AbortSignal): Promise<WalPast> {
  const client = await openReplicationSession(address);
  const abort = () => void client.end().catch(() => {});
  signal.addEventListener('abort', abort);
  try {
    signal.throwIfAborted();
    const row = (await client.query<SystemRow>('IDENTIFY_SYSTEM')).rows[0];
    if (row === undefined) throw new Error('the primary did not say who it is');
    const timeline = Number(row.timeline);
    return {
      systemIdentifier: row.systemid,
      timeline,
      history: await readHistory(client, timeline),
      end: parseLsn(row.xlogpos),
    };
  } finally {
    signal.removeEventListener('abort', abort);
    await client.end();
  }
}

async function readHistory(client: Client, timeline: number): Promise<WalPast['history']> {
  // The first one has no ancestors, and no file.
  if (timeline === 1) return [];
  const { rows } = await client.query<{ content: string | Buffer }>(`TIMELINE_HISTORY ${timeline}`);
  return parseTimelineHistory(String(rows[0]?.content ?? ''));
}

function openReplicationSession(address: PrimaryAddress): Promise<Client> {
  return open(address, { replication: 'true' });
}

/** A session for questions in SQL, with the search path pinned. Rejects when the server does not answer. */
export function connectToPrimary(address: PrimaryAddress, database: string): Promise<Client> {
  return open(address, { database, options: '-c search_path=pg_catalog,pg_temp' });
}

/** Whether a server is still a standby. Rejects when it does not answer or lets nobody in. */
export async function isInRecovery(address: PrimaryAddress, signal: AbortSignal): Promise<boolean> {
  const client = await connectToPrimary(address, 'postgres');
  try {
    signal.throwIfAborted();
    const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
    return rows[0]?.standby !== false;
  } finally {
    await client.end();
  }
}

/** Bytes asked for at once: as text they are twice as many. */
const chunk = 1024 * 1024;

/**
 * Reads a segment from the pg_wal of another server, as pg_rewind reads its files there. Rejects when that does not answer.
 *
 * @param size bytes of a segment
 * @returns undefined when the server does not have it, or no longer
 */
export async function readSegment(
  address: PrimaryAddress,
  name: string,
  size: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const client = await connectToPrimary(address, 'postgres');
  try {
    const parts: Buffer[] = [];
    for (let offset = 0; offset < size; offset += chunk) {
      signal.throwIfAborted();
      const { rows } = await client.query<{ bytes: Buffer | null }>(
        'SELECT pg_read_binary_file($1, $2, $3, true) AS bytes',
        [`pg_wal/${name}`, offset, Math.min(chunk, size - offset)],
      );
      const bytes = rows[0]?.bytes;
      if (bytes == null) return undefined;
      parts.push(bytes);
    }
    const segment = Buffer.concat(parts);
    return segment.length === size ? segment : undefined;
  } finally {
    await client.end();
  }
}

async function open(
  address: PrimaryAddress,
  more: ClientConfig & { readonly replication?: string },
): Promise<Client> {
  const { default: pg } = await import('pg');
  const config: ClientConfig = {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password ?? '',
    application_name: `${address.applicationName}-manager`,
    ssl: address.tls === undefined ? false : await clientTls(address.tls),
    connectionTimeoutMillis: patience,
    query_timeout: patience,
    ...more,
  };
  const client = new pg.Client(config);
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** As `sslmode=verify-ca`: who signed it counts, and not under which of its names the server was reached. */
async function clientTls({ key, cert, rootCert }: ClientCertificate) {
  const read = (path: string) => readFile(path, 'utf8');
  return {
    key: await read(key),
    cert: await read(cert),
    ca: await read(rootCert),
    minVersion: 'TLSv1.3' as const,
    checkServerIdentity: () => undefined,
  };
}
