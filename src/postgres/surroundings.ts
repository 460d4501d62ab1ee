/** What an instance of a Cluster runs in: settings that depend on it and not on the Cluster. */
export interface Surroundings {
  /** Under the user's choice, over `clusterDefaults`. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Over the user's choice. */
  readonly mandatory: Readonly<Record<string, string>>;
  readonly archiveMode: 'on' | 'off' | 'always';
}

/** Defaults of every Cluster, which its user may replace unless they are fixed (contract 04, 4.4.1). */
export const clusterDefaults: Readonly<Record<string, string>> = {
  archive_timeout: '5min',
  dynamic_shared_memory_type: 'posix',
  full_page_writes: 'on',
  log_destination: 'csvlog',
  log_directory: '/controller/log',
  log_filename: 'postgres',
  log_rotation_age: '0',
  log_rotation_size: '0',
  log_truncate_on_rotation: 'false',
  logging_collector: 'on',
  max_parallel_workers: '32',
  max_replication_slots: '32',
  max_worker_processes: '32',
  shared_memory_type: 'mmap',
  // Present although empty: PostgreSQL does not always notice that a setting vanished which needs a restart.
  shared_preload_libraries: '',
  ssl_max_protocol_version: 'TLSv1.3',
  ssl_min_protocol_version: 'TLSv1.3',
  wal_keep_size: '512MB',
  wal_level: 'logical',
  wal_log_hints: 'on',
  wal_receiver_timeout: '5s',
  wal_sender_timeout: '5s',
};

/** Where certificates lie in a Pod (contract 03, 3.17); those of `replication` are for a client of another instance. */
const certificates = '/controller/certificates';
export const certificateFiles = {
  directory: certificates,
  server: { cert: `${certificates}/server.crt`, key: `${certificates}/server.key` },
  clientCa: `${certificates}/client-ca.crt`,
  serverCa: `${certificates}/server-ca.crt`,
  replication: {
    key: `${certificates}/streaming_replica.key`,
    cert: `${certificates}/streaming_replica.crt`,
    rootCert: `${certificates}/server-ca.crt`,
  },
} as const;

/**
 * In a Pod of the operator (contract 04, 4.4.2). A changed byte changes the hash by which the operator compares Pods (4.7).
 *
 * @param archiveMode `off` when the annotation cnpg.io/skipWalArchiving is `enabled`, `always` in a replica cluster
 */
export function podSurroundings(archiveMode: Surroundings['archiveMode']): Surroundings {
  return {
    defaults: {},
    mandatory: {
      archive_command: '/controller/manager wal-archive --log-destination /controller/log/postgres.json %p',
      hot_standby: 'true',
      listen_addresses: '*',
      port: '5432',
      restart_after_crash: 'false',
      ssl: 'on',
      ssl_ca_file: certificateFiles.clientCa,
      ssl_cert_file: certificateFiles.server.cert,
      ssl_key_file: certificateFiles.server.key,
      unix_socket_directories: '/controller/run',
    },
    archiveMode,
  };
}

export interface Machine extends LogPath {
  readonly port: number;
  readonly listenAddresses: string;
  readonly socketDirectory: string;
  /** Only the user who runs the server may use its socket: where nothing else could tell users apart. */
  readonly isSocketPrivate: boolean;
}

/**
 * Beside other instances of the Cluster on one machine, without an archive. A server that is idle then need not fill a
 * segment every five minutes, and a rewind must always be possible.
 */
export function machineSurroundings(machine: Machine): Surroundings {
  return {
    defaults: { archive_timeout: '0', log_timezone: 'UTC' },
    mandatory: {
      ...logPathSettings(machine),
      hot_standby: 'on',
      listen_addresses: machine.listenAddresses,
      port: String(machine.port),
      restart_after_crash: 'false',
      unix_socket_directories: machine.socketDirectory,
      wal_log_hints: 'on',
      ...(machine.isSocketPrivate ? { unix_socket_permissions: '0700' } : {}),
    },
    archiveMode: 'off',
  };
}

export interface LogPath {
  readonly major: number;
  readonly logDirectory: string;
  readonly logFileName: string;
}

/** What makes a server write its log where the manager reads it. */
export function logPathSettings({ major, logDirectory, logFileName }: LogPath): Record<string, string> {
  return {
    log_destination: major >= 15 ? 'jsonlog' : 'csvlog',
    log_directory: logDirectory,
    log_file_mode: '0600',
    log_filename: logFileName,
    log_rotation_age: '0',
    log_rotation_size: '0',
    log_truncate_on_rotation: 'off',
    logging_collector: 'on',
  };
}

/** Names of these settings. */
export const logPathParameters: ReadonlySet<string> = new Set(
  Object.keys(logPathSettings({ major: 0, logDirectory: '', logFileName: '' })),
);
