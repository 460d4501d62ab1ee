import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { describeChanges } from './changes.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterSource } from './source.ts';

export interface FollowOptions {
  /** What the Cluster was like before. */
  readonly from: Cluster;
  /** Whether the end is reached; may throw to give up. */
  readonly isDone: (cluster: Cluster) => boolean;
  /** Gets what has changed, a line each. */
  readonly tell: (lines: readonly string[]) => void;
  /** Milliseconds. */
  readonly timeout: number;
  /** What is waited for, as in: waited 60 s for …. */
  readonly what: string;
}

/**
 * Follows a Cluster by the events of its source until something has happened. A file that cannot be read on the way, since
 * a person is in the middle of an edit, is told and waited for.
 *
 * @throws WAIT_TIMEOUT, what `isDone` throws
 */
export async function follow(source: ClusterSource, options: FollowOptions): Promise<Cluster> {
  const { isDone, tell, timeout, what } = options;
  const late = new AbortController();
  let wake = Promise.withResolvers<void>();
  const stop = source.watch(() => wake.resolve());
  // Not AbortSignal.timeout: that one would not keep the process alive.
  const timer = setTimeout(() => {
    late.abort();
    wake.resolve();
  }, timeout);
  let trouble: string | undefined;
  let seen = options.from;
  try {
    for (;;) {
      const cluster = await readQuietly();
      if (cluster !== undefined) {
        const lines = describeChanges(seen, cluster);
        seen = cluster;
        if (lines.length > 0) tell(lines);
        if (isDone(cluster)) return cluster;
      }
      await wake.promise;
      if (late.signal.aborted)
        throw new ManagerError('WAIT_TIMEOUT', `waited ${timeout / 1_000} s for ${what}`);
    }
  } finally {
    stop();
    clearTimeout(timer);
  }

  async function readQuietly(): Promise<Cluster | undefined> {
    // Renewed before the reading: what changes during it shall be looked at once more.
    wake = Promise.withResolvers();
    try {
      const { cluster } = await source.read(late.signal);
      trouble = undefined;
      return cluster;
    } catch (error) {
      if (late.signal.aborted)
        throw new ManagerError('WAIT_TIMEOUT', `waited ${timeout / 1_000} s for ${what}`);
      if (trouble !== messageOf(error)) tell([`not readable for now: ${messageOf(error)}`]);
      trouble = messageOf(error);
      return undefined;
    }
  }
}
