import { readFileSync } from 'node:fs';
import type { Cluster } from '../cluster/cluster.ts';
import { stopPolicyOf } from '../cluster/cluster.ts';
import { readClusterFile } from '../cluster/cluster-file.ts';
import { type FirstBoot, firstBootWarnings, whyNotFirstBoot } from '../cluster/first-boot.ts';
import { firstBootFromCluster } from '../cluster/from-cluster.ts';
import { firstBootFromEnvironment } from '../cluster/from-environment.ts';
import { ManagerError } from '../errors/manager-error.ts';
import type { ConfigurationFacts, DesiredState } from '../instance/settings.ts';
import { logFileName } from '../logs/log-path.ts';
import type { Logger } from '../logs/manager-log.ts';
import { clusterHba, clusterIdent, imageHba } from '../postgres/access-files.ts';
import {
  customFile,
  overrideFile,
  renderSettings,
  standaloneSettings,
  withIncludes,
} from '../postgres/configuration.ts';
import { findIdentity } from '../process/identity.ts';
import { readPasswd } from '../process/step-down.ts';

export interface DesiredStateSource {
  readonly environment: NodeJS.ProcessEnv;
  readonly clusterFile: string | undefined;
  /** --cluster-name, for an instance without a file. */
  readonly clusterName: string | undefined;
  readonly log: Logger;
}

/**
 * Reads what the instance shall be: from the cluster file when there is one, completed by the environment; else from
 * the environment alone, as the `postgres` image does.
 *
 * @throws BAD_CLUSTER_FILE, SECRET_UNREADABLE, BAD_ARGUMENT
 */
export async function loadDesiredState(source: DesiredStateSource): Promise<DesiredState> {
  const fromEnvironment = firstBootFromEnvironment(source.environment, (path) => readFileSync(path, 'utf8'));
  const file = source.clusterFile === undefined ? undefined : await readClusterFile(source.clusterFile);
  for (const { text, line, column } of file?.warnings ?? []) source.log.warn({ line, column }, text);
  const cluster = file?.cluster;
  const firstBoot = cluster === undefined ? fromEnvironment : firstBootFromCluster(cluster, fromEnvironment);
  const clusterName = cluster?.metadata.name ?? source.clusterName;
  return {
    clusterName: clusterName ?? 'postgres',
    firstBoot,
    checkFirstBoot: () => checkFirstBoot(firstBoot, source.log),
    stopPolicy: stopPolicyOf(cluster?.spec ?? {}),
    configurationFiles: (facts) =>
      cluster === undefined
        ? imageFiles(firstBoot, clusterName, facts)
        : clusterFiles(cluster, firstBoot.superuser, facts),
  };
}

function checkFirstBoot(plan: FirstBoot, log: Logger): void {
  const refusal = whyNotFirstBoot(plan);
  if (refusal !== undefined) throw new ManagerError('NO_PASSWORD', refusal);
  for (const warning of firstBootWarnings(plan)) log.warn(warning);
}

/**
 * As the `postgres` image: the user owns postgresql.conf and pg_hba.conf once they are made; ours is only what the log
 * path and the process need.
 */
function imageFiles(
  firstBoot: FirstBoot,
  clusterName: string | undefined,
  facts: ConfigurationFacts,
): ReadonlyMap<string, string> {
  const settings = standaloneSettings({
    ...common(facts),
    port: undefined,
    listenAddresses: undefined,
    clusterName,
    parameters: {},
    libraries: [],
    enableAlterSystem: undefined,
    isSocketPrivate: false,
  });
  const current = facts.current('postgresql.conf') ?? '';
  const files = includedFiles(
    facts,
    facts.isFirstBoot ? `${current}\nlisten_addresses = '*'\n` : current,
    settings,
  );
  if (facts.isFirstBoot) {
    const hba = facts.current('pg_hba.conf') ?? '';
    files.set('pg_hba.conf', imageHba(hba, firstBoot.hostAuthMethod, facts.major));
  }
  return files;
}

function clusterFiles(
  cluster: Cluster,
  superuser: string,
  facts: ConfigurationFacts,
): ReadonlyMap<string, string> {
  const postgresql = cluster.spec.postgresql ?? {};
  const systemUser = findIdentity(readPasswd(), process.geteuid?.() ?? -1)?.name;
  const settings = standaloneSettings({
    ...common(facts),
    port: facts.port,
    listenAddresses: '*',
    clusterName: cluster.metadata.name,
    parameters: postgresql.parameters ?? {},
    libraries: postgresql.shared_preload_libraries ?? [],
    enableAlterSystem: postgresql.enableAlterSystem,
    isSocketPrivate: systemUser === undefined,
  });
  const files = includedFiles(facts, facts.current('postgresql.conf') ?? '', settings);
  files.set('pg_hba.conf', clusterHba(postgresql.pg_hba ?? [], facts.major, systemUser));
  files.set('pg_ident.conf', clusterIdent(postgresql.pg_ident ?? [], systemUser, superuser));
  return files;
}

function common(facts: ConfigurationFacts) {
  const { major, socketDirectory, logDirectory } = facts;
  return { major, socketDirectory, logDirectory, logFileName };
}

/** Our own files come before postgresql.conf takes them in: a missing file would be an error of the server. */
function includedFiles(
  facts: ConfigurationFacts,
  postgresqlConf: string,
  settings: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map([
    [customFile, renderSettings(settings)],
    [overrideFile, facts.current(overrideFile) ?? ''],
    ['postgresql.conf', withIncludes(postgresqlConf)],
  ]);
}
