/** Needs quotes in a connection string: nothing at all, what libpq takes for the end of a value, and what quotes mean. */
const needsQuotes = /^$|[\s'\\]/;

function quoted(value: string): string {
  return `'${value.replace(/[\\']/g, (character) => `\\${character}`)}'`;
}

/**
 * A connection string with libpq's own quoting (PostgreSQL manual, 34.1.1.1), which is not that of SQL. A value that
 * needs none gets none, so that the string stays what the contract has it to be.
 *
 * @param parameters keywords with their values, in this order
 */
export function renderConninfo(parameters: ReadonlyArray<readonly [keyword: string, value: string]>): string {
  return parameters
    .map(([keyword, value]) => `${keyword}=${needsQuotes.test(value) ? quoted(value) : value}`)
    .join(' ');
}

/** Paths of the files by which a client shows who it is, and checks whom it has reached. */
export interface ClientCertificate {
  readonly key: string;
  readonly cert: string;
  readonly rootCert: string;
}

export interface PrimaryTarget {
  /** Host name or address, or the directory of a socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Name of the instance: synchronous_standby_names and the status of the primary know it by that. */
  readonly applicationName: string;
  readonly passfile?: string | undefined;
  /** Paths of the files for a client certificate; undefined: a connection without TLS. */
  readonly tls?: ClientCertificate | undefined;
  /** After how many milliseconds without an answer to what was sent a connection counts as lost. */
  readonly tcpUserTimeoutMs: number;
}

/**
 * primary_conninfo (contract 04, 7.2), with client certificates or, for a cluster on one machine, with a password from a
 * file. A changed byte makes every standby restart its WAL receiver, hence the quotes that the timeout does not need.
 */
export function primaryConninfo(target: PrimaryTarget): string {
  const { passfile, tls } = target;
  const certificates = [
    ['sslkey', tls?.key ?? ''],
    ['sslcert', tls?.cert ?? ''],
    ['sslrootcert', tls?.rootCert ?? ''],
  ] as const;
  const conninfo = renderConninfo([
    ['host', target.host],
    ['user', target.user],
    ['port', String(target.port)],
    ...(tls === undefined ? [] : certificates),
    ...(passfile === undefined ? [] : [['passfile', passfile] as const]),
    ['application_name', target.applicationName],
    ['sslmode', tls === undefined ? 'disable' : 'verify-ca'],
    ['dbname', 'postgres'],
  ]);
  return `${conninfo} tcp_user_timeout=${quoted(String(target.tcpUserTimeoutMs))}`;
}

/**
 * What a base backup calls itself (contract 04, 3.7). Never the name of the instance: the stream of WAL that comes with the
 * copy reports what it has flushed, and under that name it would acknowledge commits for a standby that is not there yet.
 */
export function copyName(instance: string): string {
  return `${instance}-join`;
}

/**
 * For how long the primary keeps the session of a copy whose program says nothing. Longer than one that lives is silent:
 * pg_basebackup reports every 10 s, but its disk may stall. Never is too long: a machine that has vanished would hold the
 * slot until TCP gives up, and every further copy would find it in use.
 */
const copyTimeout = '5min';

/**
 * primary_conninfo as a program uses it for one copy: under a name of its own, and without waiting for what does not
 * answer. Of a keyword that stands twice libpq takes the last (fe-connect.c, conninfo_parse).
 */
export function toolConninfo(conninfo: string, applicationName: string): string {
  const more = renderConninfo([
    ['application_name', applicationName],
    ['connect_timeout', '5'],
    ['keepalives_idle', '10'],
    ['keepalives_interval', '5'],
    ['keepalives_count', '3'],
    ['options', `-c wal_sender_timeout=${copyTimeout}`],
  ]);
  return `${conninfo} ${more}`;
}
