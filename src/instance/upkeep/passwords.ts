import type { Client } from 'pg';
import { secretsFingerprint } from '../../cluster/certificates.ts';
import { type Credential, credentialsOf } from '../../cluster/credentials.ts';
import { ManagerError } from '../../errors/manager-error.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/literals.ts';
import { passwordSecret } from '../../postgres/scram.ts';
import { now } from '../deadline.ts';
import { quietly } from '../quietly.ts';
import type { SecretContent, SecretReader } from '../secret-reader.ts';
import type { StepContext } from '../step-context.ts';

/** Milliseconds between two looks at Secrets of which one is missing: shorter than the period of regular passes. */
const missingPeriod = 20_000;

/** Passwords from Secrets, applied when they have changed and never else (contract 03, 3.18). */
export class PasswordUpkeep {
  readonly #reader: SecretReader;
  /** Versions of Secrets that were applied, by role. */
  readonly #applied = new Map<string, string>();
  /** The Cluster, and the server, for which all was settled. */
  #settledFor = '';
  /** A Secret that was missing may be made without a word from anybody. */
  #lookAgainAt = Number.POSITIVE_INFINITY;

  constructor(reader: SecretReader) {
    this.#reader = reader;
  }

  async settle({ view, server, log }: StepContext, client: Client, signal: AbortSignal): Promise<void> {
    const cluster = view.latest?.cluster;
    if (cluster === undefined) return;
    const state = `${server.postmaster?.pid ?? 0} ${secretsFingerprint(cluster)}`;
    if (state === this.#settledFor && now() < this.#lookAgainAt) return;
    let isComplete = true;
    for (const credential of credentialsOf(cluster)) {
      const outcome = await this.#apply(credential, client, signal);
      if (outcome === 'changed') log.info({ role: credential.role }, 'password settled');
      if (outcome === 'missing') isComplete = false;
    }
    this.#settledFor = state;
    this.#lookAgainAt = isComplete ? Number.POSITIVE_INFINITY : now() + missingPeriod;
  }

  async #apply(
    { role, secret }: Credential,
    client: Client,
    signal: AbortSignal,
  ): Promise<'changed' | 'same' | 'missing'> {
    if (secret === undefined) {
      this.#applied.delete(role);
      return (await disablePassword(client, role)) ? 'changed' : 'same';
    }
    const content = await this.#reader.read(secret, signal);
    if (content === undefined) return 'missing';
    if (content.version === this.#applied.get(role)) return 'same';
    await setPassword(client, role, passwordOf(content, secret, role));
    this.#applied.set(role, content.version);
    return 'changed';
  }
}

/** What is to be stored for the role; see passwordSecret. */
function passwordOf({ data, annotations }: SecretContent, name: string, role: string): string {
  const username = data.get('username')?.toString('utf8');
  const password = data.get('password')?.toString('utf8');
  if (username === undefined || password === undefined) {
    throw new ManagerError('SECRET_UNREADABLE', `${name} lacks username or password`);
  }
  if (username !== role) {
    throw new ManagerError('SECRET_UNREADABLE', `${name} is for ${username}, and not for ${role}`);
  }
  const isAsIs = annotations['cnpg.io/passwordPassthrough'] === 'enabled';
  return isAsIs ? password : passwordSecret(password);
}

async function disablePassword(client: Client, role: string): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    'SELECT rolpassword IS NOT NULL AS has FROM pg_authid WHERE rolname = $1',
    [role],
  );
  if (rows[0]?.has !== true) return false;
  await quietly(client, () => client.query(`ALTER ROLE ${quoteIdentifier(role)} PASSWORD NULL`));
  return true;
}

function setPassword(client: Client, role: string, secret: string): Promise<void> {
  const sql = `ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${quoteLiteral(secret)}`;
  return quietly(client, () => client.query(sql));
}
