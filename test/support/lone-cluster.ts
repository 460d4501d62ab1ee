import { writeFileSync } from 'node:fs';
import { Manager, temporaryDirectory } from './manager.ts';

/** Text of a cluster file of one instance. @param spec members of the spec, as YAML */
export function clusterText(spec: string): string {
  return `apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: demo}\nspec:\n  ${spec}\n`;
}

/** A line of pg_hba.conf that lets tests in. */
export const trustLoopback = 'host all all 127.0.0.1/32 trust';

/** Starts a manager with a file of its own, HOME/cluster.yaml, that describes it. */
export async function startWithCluster(spec: string, home = temporaryDirectory()): Promise<Manager> {
  const access = spec.startsWith('postgresql:') ? '' : `postgresql: {pg_hba: [${trustLoopback}]}\n  `;
  writeFileSync(`${home}/cluster.yaml`, clusterText(access + spec));
  return Manager.start({ home, options: ['--cluster-file', `${home}/cluster.yaml`] });
}
