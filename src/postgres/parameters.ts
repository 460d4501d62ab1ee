/**
 * Parameters that belong to whoever runs the instance: a user's value is refused (contract 04, 4.4.4).
 */
const fixed = new Set(
  [
    'allow_system_table_mods archive_cleanup_command archive_command archive_mode bonjour bonjour_name cluster_name',
    'config_file data_directory data_sync_retry event_source external_pid_file hba_file hot_standby ident_file',
    'jit_provider listen_addresses log_destination log_directory log_file_mode log_filename log_rotation_age',
    'log_rotation_size log_truncate_on_rotation logging_collector pg_failover_slots.primary_dsn',
    'pg_failover_slots.standby_slot_names port primary_conninfo primary_slot_name promote_trigger_file',
    'recovery_end_command recovery_min_apply_delay recovery_target recovery_target_action recovery_target_inclusive',
    'recovery_target_lsn recovery_target_name recovery_target_time recovery_target_timeline recovery_target_xid',
    'restart_after_crash restore_command shared_preload_libraries ssl ssl_ca_file ssl_cert_file ssl_crl_file',
    'ssl_dh_params_file ssl_key_file ssl_passphrase_command ssl_passphrase_command_supports_reload',
    'ssl_prefer_server_ciphers stats_temp_directory synchronized_standby_slots synchronous_standby_names',
    'syslog_facility syslog_ident syslog_sequence_numbers syslog_split_messages temp_tablespaces',
    'unix_socket_directories unix_socket_group unix_socket_permissions',
  ]
    .join(' ')
    .split(' '),
);

/** Whether a user may not choose this parameter. Names of parameters do not care for case. */
export function isFixedParameter(name: string): boolean {
  return fixed.has(name.toLowerCase());
}

/** Extensions whose library is loaded when one of their parameters is set, in this order (contract 04, 4.5). */
const managedLibraries = ['pgaudit', 'pg_stat_statements', 'auto_explain', 'pg_failover_slots'];

/** Value of shared_preload_libraries: the user's list, then what the parameters need. */
export function preloadLibraries(chosen: readonly string[], parameters: readonly string[]): string {
  const libraries = chosen.filter((name) => name !== '');
  for (const library of managedLibraries) {
    const isUsed = parameters.some((parameter) => parameter.startsWith(`${library}.`));
    if (isUsed && !libraries.some((present) => present.includes(library))) libraries.push(library);
  }
  return [...new Set(libraries)].join(',');
}

/** The user's parameters without those that a user may not choose. */
export function userParameters(parameters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !isFixedParameter(name)));
}

/** allow_alter_system, which exists since 17. Undefined: PostgreSQL's default. */
export function alterSystemSetting(major: number, choice: boolean | undefined): Record<string, string> {
  if (major < 17 || choice === undefined) return {};
  return { allow_alter_system: choice ? 'on' : 'off' };
}

const truths = new Set(['1', 'on', 'y', 'ye', 'yes', 't', 'tr', 'tru', 'true']);

/** Whether PostgreSQL reads a value as true (contract 04, 4.4.3; bool.c, parse_bool). */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && truths.has(value.toLowerCase());
}
