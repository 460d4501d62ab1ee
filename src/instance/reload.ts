import type { Logger } from '../logs/manager-log.ts';
import { isConfigurationDue, writeConfigurationFiles } from './configuration-writer.ts';
import type { Server } from './server.ts';
import type { ServerContext } from './server-context.ts';
import type { Upkeep } from './upkeep.ts';
import type { Wishes } from './wishes.ts';

/** Milliseconds in which the operator must have been told that what it knows of synchronous standbys holds no longer. */
const patience = 10_000;

export interface ReloadOptions {
  /** Undefined as long as nothing is prepared for a server. */
  readonly context: ServerContext | undefined;
  /** Undefined: the Cluster has not been read yet. */
  readonly wishes: Wishes | undefined;
  readonly server: Server | undefined;
  /** Undefined for one that shares its Cluster with nobody, and before the first pass. */
  readonly upkeep: Upkeep | undefined;
  /** See StepContext.denyFailover. */
  readonly denyFailover: (signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** A person has looked: what was refused may be tried again. */
  readonly onReloaded: () => void;
}

/** HUP: reads the Cluster again and reloads the server. Never rejects: what is wrong is told, and nothing has changed then. */
export async function reload({
  context,
  wishes,
  server,
  upkeep,
  denyFailover,
  signal,
  log,
  onReloaded,
}: ReloadOptions): Promise<void> {
  if (wishes === undefined) {
    log.info('nothing to reload yet: nothing has been read');
    return;
  }
  try {
    const desired = await wishes.readAgain(signal);
    if (context === undefined || server?.postmaster === undefined) {
      log.info('configuration read again; the server will start with it');
      return;
    }
    if (upkeep?.reload() === true) {
      log.info('configuration read again: it will be loaded');
      onReloaded();
      return;
    }
    if (isConfigurationDue(context, desired)) {
      await denyFailover(AbortSignal.any([signal, AbortSignal.timeout(patience)]));
    }
    const changed = writeConfigurationFiles(context, desired, { isFirstBoot: false });
    server.signal('SIGHUP');
    log.info({ changed }, 'configuration reloaded');
    onReloaded();
  } catch (error) {
    log.error({ error }, 'configuration not reloaded; the server keeps the one it has');
  }
}
