import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { sharesCluster } from '../cluster/cluster.ts';
import { parseClusterFile, type Remark } from '../cluster/cluster-file.ts';
import { bareCluster, standaloneSource } from '../cluster/standalone-source.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { ClusterBinding } from '../instance/settings.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { Libc } from '../process/libc.ts';
import { describeDesiredState } from './desired-state.ts';
import type { Pod } from './pod.ts';

export interface BindingInput {
  readonly name: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly clusterFile: string | undefined;
  /** --cluster-name, for an instance without a file. */
  readonly clusterName: string | undefined;
  /** Undefined outside of Kubernetes. */
  readonly pod: Pod | undefined;
  /** Under which the other instances reach this one. */
  readonly address: string;
  readonly libc: Libc;
  readonly log: Logger;
}

/**
 * Finds out where the Cluster of this instance comes from: from nowhere, from a file of its own, or from a file that
 * several instances share.
 *
 * @throws BAD_CLUSTER_FILE, CLUSTER_UNREADABLE, SECRET_UNREADABLE, BAD_ARGUMENT
 */
export async function bindCluster(input: BindingInput): Promise<ClusterBinding> {
  const { name, clusterFile, environment, clusterName, log } = input;
  const common = { environment, clusterName, log, shared: undefined };
  if (input.pod !== undefined) {
    const { bindPod } = await import('./pod-binding.ts');
    return bindPod(input.pod, input);
  }
  if (clusterFile === undefined) {
    return {
      source: standaloneSource(name, () => bareCluster(clusterName ?? 'postgres')),
      describe: (reading) => describeDesiredState(reading, { ...common, origin: 'environment' }),
    };
  }
  let known: readonly string[] = [];
  // The file is read again and again; what is wrong with it is said once.
  const warn = (warnings: readonly Remark[]) => {
    for (const { text, line, column } of warnings) {
      if (!known.includes(text)) log.warn({ line, column }, text);
    }
    known = warnings.map(({ text }) => text);
  };
  const load = async () => {
    const { cluster, warnings } = await parseClusterFile(readClusterText(clusterFile), clusterFile);
    warn(warnings);
    return cluster;
  };
  const cluster = await load();
  if (sharesCluster(cluster)) return bindSharedFile(clusterFile, cluster.metadata.name, input, warn);
  return {
    source: standaloneSource(name, load),
    describe: (reading) => describeDesiredState(reading, { ...common, origin: 'file' }),
  };
}

async function bindSharedFile(
  path: string,
  cluster: string,
  input: BindingInput,
  onWarnings: (warnings: readonly Remark[]) => void,
): Promise<ClusterBinding> {
  const { name, environment, clusterName, libc, log, address } = input;
  if (!new RegExp(`^${cluster}-[0-9]+$`).test(name)) {
    throw new ManagerError(
      'BAD_ARGUMENT',
      `--pod-name ${name}: instances of the Cluster ${cluster} are called ${cluster}-1, ${cluster}-2 and so on`,
    );
  }
  const { openFileSource } = await import('../cluster/file-source.ts');
  const { claimName } = await import('../cluster/name-lock.ts');
  const { replicationPassfile } = await import('../cluster/passfile.ts');
  const source = await openFileSource(path, libc, { onWarnings });
  const real = await realpath(path);
  const { path: passfile, password } = await replicationPassfile(real, libc);
  const { sharedRules } = await import('./shared-cluster.ts');
  const shared = sharedRules({ name, address, passfile, password });
  return {
    source,
    claimName: (signal) => claimName(real, name, libc, signal),
    describe: (reading) =>
      describeDesiredState(reading, { environment, clusterName, log, shared, origin: 'file' }),
  };
}

function readClusterText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ManagerError('CLUSTER_UNREADABLE', `${path}: ${messageOf(error)}`, { cause: error });
  }
}
