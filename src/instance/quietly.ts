import type { Client } from 'pg';
import { inTransaction } from './in-transaction.ts';

/**
 * All by which the text of a statement could reach a log, or a view that others read: PostgreSQL manual, 19.8 and 19.17, and of
 * the usual modules pgaudit, auto_explain and pg_stat_statements. What a server does not know is left out.
 */
const silence = {
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_min_duration_statement: '-1',
  log_min_duration_sample: '-1',
  log_transaction_sample_rate: '0',
  log_duration: 'off',
  debug_print_parse: 'off',
  debug_print_raw_parse: 'off',
  debug_print_rewritten: 'off',
  debug_print_plan: 'off',
  'pgaudit.log': 'none',
  'auto_explain.log_min_duration': '-1',
  'pg_stat_statements.track_utility': 'off',
};

/**
 * Carries out statements with secrets in one transaction, without a trace in a log. It does not wait for a standby either: one
 * may be needed to let the commit through, and there may be none before its role or its password exists.
 *
 * @param client of a superuser
 */
export async function quietly(client: Client, work: () => Promise<unknown>): Promise<void> {
  // For the session, not for the transaction: whether its statements are sampled is decided at its beginning.
  const { rows } = await client.query<{ name: string }>(
    `WITH known AS MATERIALIZED (SELECT name FROM pg_settings WHERE $1::jsonb ? name)
     SELECT name, set_config(name, $1::jsonb ->> name, false) FROM known`,
    [JSON.stringify(silence)],
  );
  const restore = () => client.query(rows.map(({ name }) => `RESET ${name}`).join('; '));
  try {
    await inTransaction(client, async () => {
      await client.query('SET LOCAL synchronous_commit = local');
      await work();
    });
  } catch (error) {
    // Where that cannot be done the session is gone, for the reason that is told.
    await restore().catch(() => {});
    throw error;
  }
  await restore();
}
