import type { ClusterReading } from '../cluster/source.ts';
import { ManagerError } from '../errors/manager-error.ts';
import { pauseAskedBy } from '../kubernetes/api-error.ts';
import { pause } from './deadline.ts';
import type { Wishes } from './wishes.ts';

/** Milliseconds between two attempts to read the Cluster for the first time. */
const period = 500;

/**
 * Reads the Cluster for the first time. A file that cannot be read is a mistake; an API that does not answer is waited for:
 * nothing else can be done without it.
 *
 * @param say told why it waits, at every attempt
 */
export async function firstReading(
  wishes: Wishes,
  signal: AbortSignal,
  say: (why: string) => void,
): Promise<ClusterReading> {
  for (;;) {
    try {
      return await wishes.start(signal);
    } catch (error) {
      const mayCome = wishes.view.kind === 'kubernetes' && !signal.aborted;
      if (!mayCome || !(error instanceof ManagerError) || error.code !== 'CLUSTER_UNREADABLE') throw error;
      say(`the Cluster cannot be read: ${error.message}`);
      await pause(Math.max(period, pauseAskedBy(error)), signal);
    }
  }
}
