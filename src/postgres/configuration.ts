import { createHash } from 'node:crypto';
import { quoteSetting } from './literals.ts';
import { isFixedParameter, preloadLibraries } from './parameters.ts';

/** Name of the generated file in PGDATA. */
export const customFile = 'custom.conf';
/** Name of the file for replication settings, empty as long as the instance follows nobody. */
export const overrideFile = 'override.conf';

export interface ConfigurationInput {
  readonly major: number;
  /** Undefined: what postgresql.conf says, or PGPORT. */
  readonly port: number | undefined;
  /** Undefined: what postgresql.conf says. */
  readonly listenAddresses: string | undefined;
  readonly socketDirectory: string;
  readonly logDirectory: string;
  readonly logFileName: string;
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
 * The settings of an instance outside of Kubernetes. Those of the log path and of the process win over the user's; all
 * others stay PostgreSQL's: without a cluster around it nobody archives WAL or follows it.
 */
export function standaloneSettings(input: ConfigurationInput): Map<string, string> {
  const chosen = Object.entries(input.parameters).filter(([name]) => !isFixedParameter(name));
  const settings = new Map<string, string>([['log_timezone', 'UTC'], ...chosen]);
  const own: Record<string, string> = {
    log_destination: input.major >= 15 ? 'jsonlog' : 'csvlog',
    log_directory: input.logDirectory,
    log_file_mode: '0600',
    log_filename: input.logFileName,
    log_rotation_age: '0',
    log_rotation_size: '0',
    log_truncate_on_rotation: 'off',
    logging_collector: 'on',
    // A backend that crashed may have left shared memory in disorder: the container starts anew instead.
    restart_after_crash: 'off',
    unix_socket_directories: input.socketDirectory,
    ...(input.port === undefined ? {} : { port: String(input.port) }),
    ...(input.listenAddresses === undefined ? {} : { listen_addresses: input.listenAddresses }),
    ...(input.isSocketPrivate ? { unix_socket_permissions: '0700' } : {}),
  };
  for (const [name, value] of Object.entries(own)) settings.set(name, value);
  const libraries = preloadLibraries(input.libraries, Object.keys(input.parameters));
  if (libraries !== '') settings.set('shared_preload_libraries', libraries);
  if (input.clusterName !== undefined) settings.set('cluster_name', input.clusterName);
  if (input.enableAlterSystem !== undefined && input.major >= 17) {
    settings.set('allow_alter_system', input.enableAlterSystem ? 'on' : 'off');
  }
  return settings;
}

/**
 * Text of custom.conf (contract 04, 4.2): settings in the order of bytes, those of the name space `cnpg.` last, then
 * the SHA-256 of the first part, by which the loaded configuration is known again.
 */
export function renderSettings(settings: ReadonlyMap<string, string>): string {
  const names = [...settings.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const line = (name: string) => `${name} = ${quoteSetting(settings.get(name) ?? '')}\n`;
  const first = names
    .filter((name) => !name.startsWith('cnpg.'))
    .map(line)
    .join('');
  const second = names
    .filter((name) => name.startsWith('cnpg.'))
    .map(line)
    .join('');
  const hash = createHash('sha256').update(first).digest('hex');
  return `${first}${second}cnpg.config_sha256 = '${hash}'\n`;
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
