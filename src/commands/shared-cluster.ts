import type { Cluster } from '../cluster/cluster.ts';
import { slotSettings } from '../cluster/defaults.ts';
import { replicationUser } from '../cluster/passfile.ts';
import type { Secret } from '../cluster/secret.ts';
import type { ConfigurationFacts, ReplicationPlan } from '../instance/settings.ts';
import { clusterHba, clusterIdent } from '../postgres/access-files.ts';
import { clusterSettings } from '../postgres/configuration.ts';
import { primaryConninfo } from '../postgres/conninfo.ts';
import { overrideSettings } from '../postgres/override-file.ts';
import { renderSettingLines } from '../postgres/settings-file.ts';
import { slotName } from '../postgres/slots.ts';
import { clusterDefaults, machineSurroundings } from '../postgres/surroundings.ts';
import {
  renderSynchronousStandbyNames,
  synchronousMetadata,
  synchronousStandbys,
} from '../postgres/synchronous.ts';
import { common, includedFiles, serverUser } from './configuration-files.ts';
import type { SharedRules } from './desired-state.ts';

/** How this instance takes part in a Cluster that several instances of one machine share. */
export interface Membership {
  readonly name: string;
  readonly address: string;
  /** The password file of the standbys, and what is in it. */
  readonly passfile: string;
  readonly password: Secret;
}

/** Milliseconds after which a connection that acknowledges nothing is given up (contract 04, 7.2). */
const tcpUserTimeoutMs = 5_000;

/** The rules for one member. */
export function sharedRules(member: Membership): SharedRules {
  return {
    parameters: ({ spec }) => ({ ...clusterDefaults, ...spec.postgresql?.parameters }),
    replicationPlan: (cluster) => replicationPlan(cluster, member),
    files: (cluster, superuser, facts) => sharedFiles(cluster, superuser, member, facts),
  };
}

/** How this instance follows the present primary: where that one listens, it has said itself in the status. */
function replicationPlan(cluster: Cluster, { name, passfile, password }: Membership): ReplicationPlan {
  const { status, spec } = cluster;
  const primary = status?.currentPrimary;
  const reported = primary === undefined ? undefined : status?.instancesReportedState?.[primary];
  const isKnown = primary !== name && reported?.ip !== undefined && reported.port !== undefined;
  const address = isKnown ? { host: reported.ip!, port: reported.port! } : undefined;
  const slots = slotSettings(spec);
  const slot = slots.isHighlyAvailable ? slotName(slots.prefix, name) : undefined;
  const conninfo =
    address === undefined
      ? undefined
      : primaryConninfo({
          ...address,
          user: replicationUser,
          applicationName: name,
          passfile,
          tcpUserTimeoutMs,
        });
  const overrideFile =
    conninfo === undefined
      ? undefined
      : renderSettingLines(overrideSettings({ conninfo, slot, restoreCommand: undefined }));
  return {
    user: replicationUser,
    password,
    applicationName: name,
    primary: address,
    conninfo,
    slot,
    overrideFile,
  };
}

/** The generated files of an instance among others; the same bytes on each but for where it listens (contract 04, 4.7). */
function sharedFiles(
  cluster: Cluster,
  superuser: string,
  membership: Membership,
  facts: ConfigurationFacts,
): ReadonlyMap<string, string> {
  const { spec } = cluster;
  const postgresql = spec.postgresql ?? {};
  const systemUser = serverUser();
  const synchronous = synchronousStandbys(cluster);
  const machine = {
    ...common(facts),
    port: facts.port,
    listenAddresses: membership.address,
    isSocketPrivate: systemUser === undefined,
  };
  const settings = clusterSettings({
    ...machineSurroundings(machine),
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
  const hba = clusterHba(postgresql.pg_hba ?? [], facts.major, systemUser, { replicationUser });
  files.set('pg_hba.conf', hba);
  files.set('pg_ident.conf', clusterIdent(postgresql.pg_ident ?? [], systemUser, superuser));
  return files;
}
