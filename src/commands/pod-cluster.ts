import type { Cluster } from '../cluster/cluster.ts';
import { slotSettings } from '../cluster/defaults.ts';
import { replicationUser } from '../cluster/passfile.ts';
import type { ConfigurationFacts, ReplicationPlan } from '../instance/settings.ts';
import { podHba, podIdent } from '../postgres/access-files.ts';
import { clusterSettings } from '../postgres/configuration.ts';
import { primaryConninfo } from '../postgres/conninfo.ts';
import { overrideSettings } from '../postgres/override-file.ts';
import { renderSettingLines } from '../postgres/settings-file.ts';
import { slotName } from '../postgres/slots.ts';
import {
  certificateFiles,
  clusterDefaults,
  logPathSettings,
  podSurroundings,
} from '../postgres/surroundings.ts';
import {
  renderSynchronousStandbyNames,
  synchronousMetadata,
  synchronousStandbys,
} from '../postgres/synchronous.ts';
import { common, includedFiles, serverUser } from './configuration-files.ts';
import type { SharedRules } from './desired-state.ts';

/** Port of PostgreSQL in every Pod, behind every Service of the operator. */
const postgresPort = 5432;
/** Milliseconds after which a connection that acknowledges nothing is given up (contract 04, 7.2). */
const defaultTcpUserTimeout = 5_000;

/** The rules for an instance in a Pod: it meets the others under the names of Services, with certificates. */
export function podRules(name: string, environment: NodeJS.ProcessEnv): SharedRules {
  return {
    parameters: ({ spec }) => ({ ...clusterDefaults, ...spec.postgresql?.parameters }),
    replicationPlan: (cluster) => replicationPlan(cluster, name, environment),
    files: (cluster, _superuser, facts) => podFiles(cluster, facts),
  };
}

/** Whoever is the primary answers at `<cluster>-rw`: the same words for every instance, at all times. */
function replicationPlan(cluster: Cluster, name: string, environment: NodeJS.ProcessEnv): ReplicationPlan {
  const { status, spec, metadata } = cluster;
  const primary = status?.currentPrimary ?? '';
  const isFollower = primary !== '' && primary !== name;
  const address = isFollower ? { host: `${metadata.name}-rw`, port: postgresPort } : undefined;
  const slots = slotSettings(spec);
  const slot = slots.isHighlyAvailable ? slotName(slots.prefix, name) : undefined;
  const conninfo =
    address === undefined
      ? undefined
      : primaryConninfo({
          ...address,
          user: replicationUser,
          applicationName: name,
          tls: certificateFiles.replication,
          tcpUserTimeoutMs: tcpUserTimeout(environment),
        });
  const overrideFile =
    conninfo === undefined
      ? undefined
      : renderSettingLines(overrideSettings({ conninfo, slot, restoreCommand: undefined }));
  return {
    user: replicationUser,
    password: undefined,
    tls: certificateFiles.replication,
    applicationName: name,
    primary: address,
    conninfo,
    slot,
    overrideFile,
  };
}

/** The generated files: the same bytes in each Pod, by whose hash the operator compares them (contract 04, 4.7). */
function podFiles(cluster: Cluster, facts: ConfigurationFacts): ReadonlyMap<string, string> {
  const { spec } = cluster;
  const postgresql = spec.postgresql ?? {};
  const systemUser = serverUser();
  const synchronous = synchronousStandbys(cluster);
  const { defaults, mandatory, archiveMode } = podSurroundings('off');
  const settings = clusterSettings({
    defaults,
    mandatory: {
      ...mandatory,
      ...logPathSettings(common(facts)),
      port: String(facts.port),
      unix_socket_directories: facts.socketDirectory,
    },
    archiveMode,
    major: facts.major,
    clusterName: cluster.metadata.name,
    parameters: postgresql.parameters ?? {},
    libraries: postgresql.shared_preload_libraries ?? [],
    enableAlterSystem: postgresql.enableAlterSystem,
    synchronous:
      synchronous === undefined
        ? undefined
        : { names: renderSynchronousStandbyNames(synchronous), metadata: synchronousMetadata(synchronous) },
  });
  const files = includedFiles(facts, facts.current('postgresql.conf') ?? '', settings);
  files.set('pg_hba.conf', podHba(postgresql.pg_hba ?? [], facts.major));
  files.set('pg_ident.conf', podIdent(postgresql.pg_ident ?? [], systemUser));
  return files;
}

/** Contract 01, 1.8: what is no number counts as not set. */
function tcpUserTimeout({ CNPG_STANDBY_TCP_USER_TIMEOUT: text = '' }: NodeJS.ProcessEnv): number {
  return /^\d+$/.test(text) ? Number(text) : defaultTcpUserTimeout;
}
