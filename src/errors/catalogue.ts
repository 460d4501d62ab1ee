/**
 * Every error that a user can meet, in one place: a stable code, what it means, what to do about it.
 * The error table of README.md is compared with this file by test/unit/errors/catalogue.test.ts.
 */

/** One row of the catalogue. */
export interface CatalogueEntry {
  /** What went wrong, one sentence without a full stop. */
  readonly meaning: string;
  /** What the reader can do about it. */
  readonly remedy: string;
  /** Exit status of the process when this error ends it (see src/process/exit-status.ts). */
  readonly exitCode: number;
}

export const catalogue = {
  BAD_ARGUMENT: {
    meaning: 'An option, argument or environment variable has a value that cannot be used',
    remedy: 'Correct the value named in the message; `manager --help` lists what each option accepts.',
    exitCode: 1,
  },
  BAD_CLUSTER_FILE: {
    meaning: 'The cluster file is not a valid Cluster',
    remedy: 'Correct the file at the line and column given; the README lists the fields that are read.',
    exitCode: 1,
  },
  BINARY_MISSING: {
    meaning: 'A PostgreSQL program is not where it was looked for',
    remedy: 'Install PostgreSQL, or name the directory that holds `postgres` and `initdb` with --bindir.',
    exitCode: 1,
  },
  CANNOT_STEP_DOWN: {
    meaning: 'The process runs as root and could not change to an unprivileged user',
    remedy: 'Start the container with a numeric user (docker run --user 26), or grant SETUID and SETGID.',
    exitCode: 1,
  },
  CLUSTER_CONFLICT: {
    meaning: 'Others changed the Cluster at the same time, so that a change did not take or did not last',
    remedy: 'Look at it with `manager cluster status` and repeat what still needs to be done.',
    exitCode: 1,
  },
  CLUSTER_UNREADABLE: {
    meaning: 'The Cluster, its lease or their lock cannot be read or written',
    remedy:
      'Check the path, its permissions and the file system named in the message; the directory of a shared Cluster must be writable for the manager.',
    exitCode: 1,
  },
  HTTP_PORT_IN_USE: {
    meaning: 'The port of the status server is taken or may not be bound',
    remedy: 'Stop the program that listens there, or choose another port with --status-port.',
    exitCode: 1,
  },
  INITDB_FAILED: {
    meaning: 'initdb did not finish',
    remedy:
      'Read the messages of initdb above, correct the cause and start again: what was begun is moved aside first.',
    exitCode: 1,
  },
  INIT_SCRIPT_FAILED: {
    meaning: 'A file of the initialisation directory, or an SQL command of bootstrap.initdb, failed',
    remedy:
      'Correct the file named in the message and start again: the half-made data directory is moved aside first.',
    exitCode: 1,
  },
  INIT_ABORTED_TOO_OFTEN: {
    meaning: 'Earlier initialisations were interrupted and their remains were moved aside too many times',
    remedy:
      'Find out what interrupts the initialisation, then remove the `.aborted-init-*` directories from PGDATA.',
    exitCode: 1,
  },
  INSTANCE_NAME_IN_USE: {
    meaning: 'Another manager of this machine is an instance of that name already',
    remedy:
      'Give each instance of a Cluster file a name of its own (--pod-name); of a data directory and its copy only one may be started under the name.',
    exitCode: 1,
  },
  INTERNAL: {
    meaning: 'The manager met an error it did not expect; PostgreSQL was stopped in order',
    remedy: 'Report it with the log: the record holds the stack.',
    exitCode: 2,
  },
  LOG_DESTINATION: {
    meaning: 'The file given with --log-destination cannot be opened',
    remedy: 'Give a path that the user of the manager may create and write.',
    exitCode: 2,
  },
  NO_PASSWORD: {
    meaning: 'A new database would have no superuser password and would not be open on purpose either',
    remedy:
      'Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE; or set POSTGRES_HOST_AUTH_METHOD=trust to let everybody in without a password, which is not recommended.',
    exitCode: 1,
  },
  PGDATA_IN_USE: {
    meaning: 'Another server, or the remains of one, still uses the data directory',
    remedy:
      'Stop the other server (another container on the same volume?) and start again; nothing was changed.',
    exitCode: 1,
  },
  PGDATA_INCOMPLETE: {
    meaning: 'PGDATA looks like a data directory that has lost a part that the server needs',
    remedy:
      'Restore the directory from a backup, or look for a volume that is not mounted; nothing was changed.',
    exitCode: 1,
  },
  PGDATA_MODE: {
    meaning: 'PGDATA has permissions that PostgreSQL refuses and the manager may not change',
    remedy: 'As its owner: chmod 0700 PGDATA (or 0750).',
    exitCode: 1,
  },
  PGDATA_NOT_EMPTY: {
    meaning: 'PGDATA is neither empty nor a data directory',
    remedy:
      'Point PGDATA to an empty directory (a subdirectory of the mount is safest); nothing was changed.',
    exitCode: 1,
  },
  PGDATA_OTHER_MAJOR: {
    meaning: 'PGDATA was made by another major version of PostgreSQL',
    remedy:
      'Use an image of that version, or upgrade the data with pg_upgrade or a dump; nothing was changed.',
    exitCode: 1,
  },
  PGDATA_OWNER: {
    meaning: 'PGDATA belongs to another user than the one the server would run as',
    remedy: 'Run as the owner (docker run --user UID), or chown the directory.',
    exitCode: 1,
  },
  PGDATA_ELSEWHERE: {
    meaning: 'PGDATA is empty, but a data directory lies in another place that older images used',
    remedy: 'Mount the volume so that PGDATA is that place, or set PGDATA to it; nothing was created.',
    exitCode: 1,
  },
  PGDATA_UNREADABLE: {
    meaning: 'PGDATA cannot be read or created',
    remedy: 'Check the mount and its permissions for the user named in the message.',
    exitCode: 1,
  },
  PORT_IN_USE: {
    meaning: 'The TCP port or the socket of PostgreSQL is taken',
    remedy: 'Stop the other server, or set PGPORT to a free port.',
    exitCode: 1,
  },
  NO_SPACE: {
    meaning: 'There is no room for another WAL segment',
    remedy: 'Make the volume larger, or free space outside of pg_wal; never delete WAL by hand.',
    exitCode: 4,
  },
  PARAMETER_INVALID: {
    meaning: 'PostgreSQL refuses a parameter or an argument',
    remedy: 'Correct the parameter named in the log of postgres above.',
    exitCode: 1,
  },
  POSTGRES_FAILED: {
    meaning: 'The server ended by itself',
    remedy: 'Read the last records of postgres above.',
    exitCode: 1,
  },
  REQUEST_REFUSED: {
    meaning: 'What was asked of the Cluster may not be done as it is now',
    remedy:
      'Remove what the message names (unfence the instance, promote another one, or wait), then ask again.',
    exitCode: 1,
  },
  RUNTIME_DIRECTORY: {
    meaning: 'No directory for sockets and log pipes can be written',
    remedy:
      'Mount a tmpfs (docker run --tmpfs /run/postgresql), or name a writable directory with --runtime-dir.',
    exitCode: 1,
  },
  SECRET_UNREADABLE: {
    meaning: 'A file or a Secret that holds a secret cannot be read or used, or is given twice',
    remedy:
      'Give the variable or its _FILE form, not both, and make the file readable for the user of the manager; put into the Secret what the message names.',
    exitCode: 1,
  },
  STATUS_UNREACHABLE: {
    meaning: 'No manager answers on the status port',
    remedy: 'Check that the instance runs and that --status-port is the one it listens on.',
    exitCode: 1,
  },
  TLS_NOT_AVAILABLE: {
    meaning: 'TLS was asked for on a port for which there is no certificate',
    remedy: 'Leave out --status-port-tls when the manager does not run under Kubernetes.',
    exitCode: 1,
  },
  UNKNOWN_INSTANCE: {
    meaning: 'The Cluster has no instance of that name',
    remedy: 'Take a name that `manager cluster status` lists.',
    exitCode: 1,
  },
  USER_WITHOUT_NAME: {
    meaning:
      'A server is to run in single-user mode, for a new database or to complete crash recovery before a rewind, and the user has no name, which it insists on',
    remedy:
      'Install libnss-wrapper (in RHEL nss_wrapper) in the image, take a user that its /etc/passwd names (docker run --user 26), or mount an /etc/passwd with an entry for the user.',
    exitCode: 1,
  },
  WAIT_TIMEOUT: {
    meaning: 'What was asked for was written, but did not happen within --timeout',
    remedy:
      'It goes on by itself: follow it with `manager cluster status`, and read the log of the instance for what holds it up.',
    exitCode: 1,
  },
  JOIN_FAILED: {
    meaning: 'The copy of the primary could not be made',
    remedy:
      'Read the messages of pg_basebackup above; it is tried again, and what was copied makes room for it.',
    exitCode: 1,
  },
  PRIMARY_UNKNOWN: {
    meaning: 'Nobody has said where the primary listens',
    remedy:
      'Start the primary, or look into status.instancesReportedState of the Cluster: an instance registers itself there.',
    exitCode: 1,
  },
  PRIMARY_UNREACHABLE: {
    meaning: 'The primary cannot be reached, or lets nobody in yet',
    remedy: 'Wait until the primary runs; it is tried again until then, however long that takes.',
    exitCode: 1,
  },
  PROMOTED_IN_PLACE: {
    meaning: 'A promoted standby wrote to the timeline of before, and was stopped at once',
    remedy:
      'Choose another instance as the primary, save what is only here, and ask for a new copy: manager cluster reclone INSTANCE.',
    exitCode: 1,
  },
  REWIND_IMPOSSIBLE: {
    meaning: 'pg_rewind cannot bring this data directory back to the history of the primary',
    remedy:
      'Compare the two by hand, save what is only here, and ask for a new copy: manager cluster reclone INSTANCE.',
    exitCode: 1,
  },
  REWIND_NEEDS_WAL: {
    meaning: 'pg_rewind needs WAL that is no longer there',
    remedy: 'Put the segments back into pg_wal, or ask for a new copy: manager cluster reclone INSTANCE.',
    exitCode: 1,
  },
  RECLONE_IMPOSSIBLE: {
    meaning: 'The data of an instance cannot be put aside, so that no new copy is made',
    remedy: 'Stop the instance, move the content of PGDATA away yourself, and start it again.',
    exitCode: 1,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
