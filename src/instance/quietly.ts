import type { Client } from 'pg';
import { inTransaction } from './in-transaction.ts';

/** All by which a server may log the text of a statement (PostgreSQL manual, 19.8.2 and 19.8.3). */
const quiet = [
  "log_statement = 'none'",
  "log_min_error_statement = 'panic'",
  'log_min_duration_statement = -1',
  'log_min_duration_sample = -1',
];
const settings = [...quiet, 'synchronous_commit = local'].map((setting) => `SET LOCAL ${setting}`).join('; ');

/** Does what holds a secret in one transaction, without a trace in the log, and without waiting for a standby. */
export async function quietly(client: Client, work: () => Promise<void>): Promise<void> {
  // Whether a transaction is sampled is decided when it begins.
  await client.query('SET log_transaction_sample_rate = 0');
  await inTransaction(client, async () => {
    await client.query(settings);
    await work();
  });
}
