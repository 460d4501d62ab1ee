import { overviewOf } from '../cluster/overview.ts';
import type { OverviewOptions } from './cluster-options.ts';
import { openCluster, soon } from './cluster-request.ts';
import { renderOverview } from './cluster-screen.ts';

/**
 * Shows the instances of a Cluster and its lease: a screen on a terminal, otherwise JSON (src/cluster/overview.ts).
 *
 * @throws BAD_CLUSTER_FILE, CLUSTER_UNREADABLE
 */
export async function showCluster(options: OverviewOptions): Promise<void> {
  const source = await openCluster(options);
  const overview = overviewOf(await source.read(soon()), await source.lease.read(soon()), Date.now());
  const format = options.output ?? (process.stdout.isTTY ? 'text' : 'json');
  const text = format === 'json' ? `${JSON.stringify(overview, undefined, 2)}\n` : renderOverview(overview);
  process.stdout.write(text);
}
