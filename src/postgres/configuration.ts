import { alterSystemSetting, preloadLibraries, userParameters } from './parameters.ts';
import { renderSettingLines } from './settings-file.ts';
import { type LogPath, logPathSettings } from './surroundings.ts';

export { type ClusterSettingsInput, clusterSettings } from './cluster-settings.ts';

/** Name of the generated file in PGDATA. */
export const customFile = 'custom.conf';
/** Name of the file for replication settings, empty as long as the instance follows nobody. */
export const overrideFile = 'override.conf';

export interface ConfigurationInput extends LogPath {
  /** Undefined: what postgresql.conf says, or PGPORT. */
  readonly port: number | undefined;
  /** Undefined: what postgresql.conf says. */
  readonly listenAddresses: string | undefined;
  readonly socketDirectory: string;
  /** Undefined: no name is set. */
  readonly clusterName: string | undefined;
  /** The user's choice (spec.postgresql.parameters); fixed ones are passed over. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly libraries: readonly string[];
  /** spec.postgresql.enableAlterSystem; undefined: PostgreSQL's default, which users of the image count on. */
  readonly enableAlterSystem: boolean | undefined;
  /** Only the user who runs the server may use its socket: where nothing else could tell users apart. */
  readonly isSocketPrivate: boolean;
}

/**
 * The settings of an instance alone, outside of Kubernetes. Those of the log path and of the process win over the user's;
 * all others stay PostgreSQL's: without a cluster around it nobody archives WAL or follows it.
 */
export function standaloneSettings(input: ConfigurationInput): Map<string, string> {
  const libraries = preloadLibraries(input.libraries, Object.keys(input.parameters));
  const settings: Record<string, string> = {
    log_timezone: 'UTC',
    ...userParameters(input.parameters),
    ...logPathSettings(input),
    // A backend that crashed may have left shared memory in disorder: the container starts anew instead.
    restart_after_crash: 'off',
    unix_socket_directories: input.socketDirectory,
    ...(input.port === undefined ? {} : { port: String(input.port) }),
    ...(input.listenAddresses === undefined ? {} : { listen_addresses: input.listenAddresses }),
    ...(input.isSocketPrivate ? { unix_socket_permissions: '0700' } : {}),
    ...(libraries === '' ? {} : { shared_preload_libraries: libraries }),
    ...(input.clusterName === undefined ? {} : { cluster_name: input.clusterName }),
    ...alterSystemSetting(input.major, input.enableAlterSystem),
  };
  return new Map(Object.entries(settings));
}

/**
 * Text of custom.conf (contract 04, 4.2): settings in the order of bytes, those of the name space `cnpg.` last, then
 * the SHA-256 of the first part, by which the loaded configuration is known again.
 *
 * @param enforced values that win over `settings` without a change of the hash: every instance has the same settings,
 *   and only some of them need these (contract 04, 10.3)
 * @param present text that the file has; one that says the same already is not hashed again
 */
export function renderSettings(
  settings: ReadonlyMap<string, string>,
  enforced: ReadonlyMap<string, string> = new Map(),
  present = '',
): string {
  const part = (isOurs: boolean) =>
    new Map([...settings].filter(([name]) => name.startsWith('cnpg.') === isOurs));
  const first = renderSettingLines(new Map([...part(false), ...enforced]));
  const head = `${first}${renderSettingLines(part(true))}cnpg.config_sha256 = '`;
  if (enforced.size === 0 && present.startsWith(head) && hashEnd.test(present.slice(head.length)))
    return present;
  return `${head}${sha256(renderSettingLines(part(false)))}'\n`;
}

const hashEnd = /^[0-9a-f]{64}'\n$/;

/** Most starts change nothing, and need no hash: node:crypto takes as long to load as postgres to fork. */
function sha256(text: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex');
}

/**
 * Adds the lines to postgresql.conf that take in our files (contract 04, 4.1).
 *
 * @returns the text as it must be; the same text when nothing is missing
 */
export function withIncludes(text: string): string {
  const present = new Set(text.split('\n').map((line) => line.trim()));
  const missing = [customFile, overrideFile]
    .map((file) => `include '${file}'`)
    .filter((line) => !present.has(line));
  if (missing.length === 0) return text;
  const body = text.endsWith('\n') || text === '' ? text : `${text}\n`;
  return `${body}\n# Written by the manager; settings below win over those above\n${missing.join('\n')}\n`;
}
