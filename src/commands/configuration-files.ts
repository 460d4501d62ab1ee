import type { Cluster } from '../cluster/cluster.ts';
import type { FirstBoot } from '../cluster/first-boot.ts';
import type { ConfigurationFacts } from '../instance/settings.ts';
import { logFileName } from '../logs/log-path.ts';
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

/**
 * As the `postgres` image: the user owns postgresql.conf and pg_hba.conf once they are made; ours is only what the log
 * path and the process need.
 */
export function imageFiles(
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

/** A Cluster of one instance: nobody archives its WAL, or follows it. */
export function clusterFiles(
  cluster: Cluster,
  superuser: string,
  facts: ConfigurationFacts,
): ReadonlyMap<string, string> {
  const postgresql = cluster.spec.postgresql ?? {};
  const systemUser = serverUser();
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

export function common(facts: ConfigurationFacts) {
  const { major, socketDirectory, logDirectory } = facts;
  return { major, socketDirectory, logDirectory, logFileName };
}

/** Our own files come before postgresql.conf takes them in: a missing file would be an error of the server. */
export function includedFiles(
  facts: ConfigurationFacts,
  postgresqlConf: string,
  settings: ReadonlyMap<string, string>,
): Map<string, string> {
  return new Map([
    [customFile, renderSettings(settings, facts.enforced, facts.current(customFile))],
    [overrideFile, facts.current(overrideFile) ?? ''],
    ['postgresql.conf', withIncludes(postgresqlConf)],
  ]);
}

/** Name of the user who runs the server; undefined when it is in no passwd file. */
export function serverUser(): string | undefined {
  return findIdentity(readPasswd(), process.geteuid?.() ?? -1)?.name;
}
