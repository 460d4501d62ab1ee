import type { Client } from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../postgres/literals.ts';
import { scramSecret, verifiesScram } from '../../postgres/scram.ts';
import { quietly } from '../quietly.ts';
import type { StepContext } from '../step-context.ts';

/** What pg_rewind reads on its source (PostgreSQL manual, pg_rewind, Notes). */
const rewindFunctions = [
  'pg_ls_dir(text, boolean, boolean)',
  'pg_stat_file(text, boolean)',
  'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)',
].map((name) => `pg_catalog.${name}`);

interface RoleRow {
  readonly is_complete: boolean;
  readonly secret: string | null;
}

/** The role by which standbys stream and rewind, on the primary (contract 04, 10.5). */
export class ReplicationRole {
  /** The server on which it was found as it must be. */
  #settledFor: number | undefined;

  /** Makes or mends it, once for each server. */
  async settle(client: Client, { desired, server }: StepContext): Promise<void> {
    const pid = server.postmaster?.pid;
    const { replication } = desired();
    if (replication === undefined || pid === this.#settledFor) return;
    const { user } = replication;
    const password = replication.password?.reveal();
    const role = quoteIdentifier(user);
    const present = await this.#look(client, user);
    const hasPassword = password === undefined || verifiesScram(present?.secret ?? '', password);
    if (present?.is_complete !== true || !hasPassword) {
      // The secret is none that opens anything by itself, but it has no business in a log either.
      await quietly(client, async () => {
        if (present === undefined) await client.query(`CREATE ROLE ${role}`);
        await client.query(`ALTER ROLE ${role} LOGIN REPLICATION`);
        if (!hasPassword)
          await client.query(`ALTER ROLE ${role} PASSWORD ${quoteLiteral(scramSecret(password))}`);
        for (const name of rewindFunctions)
          await client.query(`GRANT EXECUTE ON FUNCTION ${name} TO ${role}`);
      });
    }
    this.#settledFor = pid;
  }

  async #look(client: Client, user: string): Promise<RoleRow | undefined> {
    const mayRead = rewindFunctions
      .map((name) => `has_function_privilege(oid, ${quoteLiteral(name)}, 'EXECUTE')`)
      .join(' AND ');
    const { rows } = await client.query<RoleRow>(
      `SELECT rolcanlogin AND rolreplication AND ${mayRead} AS is_complete, rolpassword AS secret
       FROM pg_authid WHERE rolname = $1`,
      [user],
    );
    return rows[0];
  }
}
