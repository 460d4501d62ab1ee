import { timestamp } from '../../cluster/status.ts';
import type { Step } from '../step-context.ts';

/**
 * Tells everybody that this instance is the primary: status.currentPrimary, which nobody else writes (contract 03, 2.5).
 * Left alone when another one has been chosen meanwhile, or when the lease, or the server, has gone until it was the turn of
 * this write: it waits for a lock, and this process may have been halted.
 */
export const announce: Step = async ({ settings, view, log, server, holdsLease }, signal) => {
  const { name } = settings;
  const { postmaster } = server;
  const reading = await view.update((status) => {
    if (status.targetPrimary !== name || status.currentPrimary === name) return undefined;
    if (!holdsLease() || postmaster === undefined || server.postmaster !== postmaster) return undefined;
    return { ...status, currentPrimary: name, currentPrimaryTimestamp: timestamp(Date.now()) };
  }, signal);
  if (reading?.cluster.status?.currentPrimary === name) log.info('announced as the primary of the Cluster');
};
