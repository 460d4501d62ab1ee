import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { overrideFile } from '../postgres/configuration.ts';
import { standbySignal } from '../postgres/data-directory.ts';
import { readIfPresent, syncDirectory, writeFileAtomically } from './atomic-file.ts';
import type { ReplicationPlan } from './settings.ts';

/**
 * Writes what makes a standby follow the present primary (contract 04, 7.1). Without a known primary the old source stays.
 *
 * @returns whether anything has changed
 */
export function settleReplication(dataDirectory: string, plan: ReplicationPlan | undefined): boolean {
  if (plan?.overrideFile === undefined) return false;
  const hasChanged = writeFileAtomically(join(dataDirectory, overrideFile), plan.overrideFile);
  if (hasChanged) syncDirectory(dataDirectory);
  return hasChanged;
}

/** Makes a standby of a stopped server: the next start follows the primary. The file comes last, and lasts. */
export function turnIntoStandby(dataDirectory: string, plan: ReplicationPlan | undefined): void {
  settleReplication(dataDirectory, plan);
  const path = join(dataDirectory, standbySignal);
  if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600 });
  syncDirectory(dataDirectory);
}

/** Whether the files name the present primary. */
export function followsPlan(dataDirectory: string, plan: ReplicationPlan | undefined): boolean {
  if (plan?.overrideFile === undefined) return true;
  return readIfPresent(join(dataDirectory, overrideFile)) === plan.overrideFile;
}
