import { type ExtensionImage, extensionPathSettings } from './extension-paths.ts';
import { inNameOrder } from './init-files.ts';
import { alterSystemSetting, isTrue, preloadLibraries, userParameters } from './parameters.ts';
import { clusterDefaults, type Surroundings } from './surroundings.ts';
import { synchronousMetadataSetting } from './synchronous-metadata.ts';

export interface ClusterSettingsInput extends Surroundings {
  readonly major: number;
  readonly clusterName: string;
  /** spec.postgresql.parameters; fixed ones are passed over. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly libraries: readonly string[];
  /** Undefined: PostgreSQL's default. */
  readonly enableAlterSystem: boolean | undefined;
  /** Values of the two settings of src/postgres/synchronous.ts; undefined: commits wait for nobody. */
  readonly synchronous: { readonly names: string; readonly metadata: string } | undefined;
  /** Slots that logical decoding must not overtake (synchronizeLogicalDecoding); undefined: it may. */
  readonly decodingWaitsFor?: readonly string[] | undefined;
  /** Seconds, of a replica cluster. */
  readonly minApplyDelay?: number | undefined;
  readonly temporaryTablespaces?: readonly string[] | undefined;
  readonly extensions?: readonly ExtensionImage[] | undefined;
  /**
   * A database is being initialised, or the webhook asks (contract 04, 4.3, preserve mode): nothing is mandatory and the
   * user's fixed parameters are kept.
   */
  readonly isPreserving?: boolean | undefined;
}

/**
 * The settings of an instance of a Cluster, later ones over earlier ones in the order of contract 04, 4.3. They are the
 * same in every instance, but for what `mandatory` says of the place where it runs.
 */
export function clusterSettings(input: ClusterSettingsInput): Map<string, string> {
  const { major, parameters, isPreserving = false } = input;
  const settings: Record<string, string> = {
    ...clusterDefaults,
    ...input.defaults,
    ...(isPreserving ? parameters : userParameters(parameters)),
    ...(isPreserving ? {} : input.mandatory),
    ...(isPreserving ? {} : alterSystemSetting(major, input.enableAlterSystem)),
    archive_mode: input.archiveMode,
    ...synchronousSettings(input),
    ...decodingSettings(input),
    cluster_name: input.clusterName,
    ...delaySettings(input),
    shared_preload_libraries: preloadLibraries(input.libraries, Object.keys(parameters)),
    ...tablespaceSettings(input),
    ...extensionPathSettings(input.extensions ?? [], parameters),
  };
  return new Map(Object.entries(settings));
}

function synchronousSettings({ synchronous }: ClusterSettingsInput): Record<string, string> {
  if (synchronous === undefined) return {};
  return {
    synchronous_standby_names: synchronous.names,
    [synchronousMetadataSetting]: synchronous.metadata,
  };
}

/** Changes are given to subscribers only when the standbys have them (contract 04, 4.4.3). */
function decodingSettings({ decodingWaitsFor, parameters, major }: ClusterSettingsInput) {
  const settings: Record<string, string> = {};
  if (decodingWaitsFor === undefined) return settings;
  const slots = decodingWaitsFor.join(',');
  const usesExtension = Object.keys(parameters).some((name) => name.startsWith('pg_failover_slots.'));
  if (usesExtension) settings['pg_failover_slots.standby_slot_names'] = slots;
  if (major >= 17 && isTrue(parameters.sync_replication_slots)) {
    settings.synchronized_standby_slots = slots;
  }
  return settings;
}

function delaySettings({ minApplyDelay = 0 }: ClusterSettingsInput): Record<string, string> {
  return minApplyDelay > 0 ? { recovery_min_apply_delay: `${Math.floor(minApplyDelay)}s` } : {};
}

function tablespaceSettings({ temporaryTablespaces = [] }: ClusterSettingsInput): Record<string, string> {
  return temporaryTablespaces.length === 0
    ? {}
    : { temp_tablespaces: inNameOrder(temporaryTablespaces).join(',') };
}
