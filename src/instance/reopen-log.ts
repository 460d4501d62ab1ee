import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Postmaster } from './postmaster.ts';
import type { ServerContext } from './server-context.ts';

/**
 * Makes the log collector open its files again, as `pg_ctl logrotate` does: a file of this name in PGDATA, then USR1
 * to the postmaster.
 */
export function reopenServerLog(context: ServerContext, postmaster: Postmaster): void {
  writeFileSync(join(context.dataDirectory, 'logrotate'), '', { mode: 0o600 });
  postmaster.signal('SIGUSR1');
  context.log.warn('a log pipe was replaced; the server opens the new one');
}
