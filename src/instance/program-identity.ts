import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A new one for every process: a change tells the operator that running backups are lost (contract 02, 6.8). */
export const sessionId = randomUUID();

/** Of the program, not of the interpreter: two builds must differ (contract 01, 7.10). A build is one file, this one. */
export const executableHash = createHash('sha256')
  .update(readFileSync(import.meta.filename))
  .digest('hex');
