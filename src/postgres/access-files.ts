/** Password method of a server: SCRAM since 14 (contract 04, 4.4.5). */
export function passwordMethod(major: number): string {
  return major >= 14 ? 'scram-sha-256' : 'md5';
}

export interface HbaOptions {
  /** Role as which standbys on the same machine enter with a password; undefined: nobody follows this instance. */
  readonly replicationUser?: string | undefined;
}

/**
 * pg_hba.conf of a Cluster outside of Kubernetes (contract 04, 5), without the lines for client certificates, of which
 * there are none here. The user who runs the server enters by its socket as the superuser, everybody else with a password.
 * What standbys need comes before the user's rules: none of those can lock them out. SCRAM for them even in 13, whose
 * default is md5: the manager makes their password itself.
 *
 * @param systemUser name of that user; undefined when it is in no passwd file: PostgreSQL cannot tell who is at the
 *   other end of the socket then, so that `peer` would let nobody in. The server then keeps its socket to its own user (unix_socket_permissions).
 */
export function clusterHba(
  rules: readonly string[],
  major: number,
  systemUser: string | undefined,
  { replicationUser }: HbaOptions = {},
): string {
  const local = systemUser === undefined ? 'local all all trust' : 'local all all peer map=local';
  const standbys =
    replicationUser === undefined
      ? []
      : ['127.0.0.1/32', '::1/128'].flatMap((address) =>
          // `postgres` is where pg_rewind and the manager of a standby ask; `replication` is for what streams.
          ['postgres', 'replication'].map(
            (database) => `host ${database} ${replicationUser} ${address} scram-sha-256`,
          ),
        );
  return lines([local, ...standbys, ...rules, anybody(major)]);
}

/**
 * pg_hba.conf in a Pod of the operator (contract 04, 5), without pod selectors, which must be expanded, and without LDAP.
 *
 * @param rules spec.postgresql.pg_hba, expanded, and the rule for LDAP
 */
export function podHba(rules: readonly string[], major: number): string {
  return lines([
    'local all cnpg_metrics_exporter peer map=cnpg_metrics_exporter',
    'local all all peer map=local',
    'hostssl postgres streaming_replica all cert map=cnpg_streaming_replica',
    'hostssl replication streaming_replica all cert map=cnpg_streaming_replica',
    'hostssl all cnpg_pooler_pgbouncer all cert map=cnpg_pooler_pgbouncer',
    ...rules,
    anybody(major),
  ]);
}

/** pg_ident.conf of a Cluster outside of Kubernetes (contract 04, 6). */
export function clusterIdent(
  maps: readonly string[],
  systemUser: string | undefined,
  superuser: string,
): string {
  const own = systemUser === undefined ? [] : [`local ${quoteToken(systemUser)} ${quoteToken(superuser)}`];
  return lines([...own, ...maps]);
}

/**
 * pg_ident.conf in a Pod of the operator (contract 04, 6).
 *
 * @param systemUser undefined when the user is in no passwd file: an empty regular expression stands for anybody then
 */
export function podIdent(maps: readonly string[], systemUser: string | undefined): string {
  const user = systemUser ?? '/';
  return lines([
    `local ${user} postgres`,
    'cnpg_streaming_replica streaming_replica streaming_replica',
    'cnpg_pooler_pgbouncer cnpg_pooler_pgbouncer cnpg_pooler_pgbouncer',
    `cnpg_metrics_exporter ${user} cnpg_metrics_exporter`,
    ...maps,
  ]);
}

/**
 * pg_hba.conf of the `postgres` image: what initdb wrote, and a line for the rest of the world at its end.
 *
 * @param method POSTGRES_HOST_AUTH_METHOD; undefined: a password
 */
export function imageHba(current: string, method: string | undefined, major: number): string {
  return `${current.endsWith('\n') ? current : `${current}\n`}\nhost all all all ${method ?? passwordMethod(major)}\n`;
}

/** A name in double quotes, which cannot be a key word then. */
function quoteToken(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The last rule: a password from everybody whom no rule before has named. */
function anybody(major: number): string {
  return `host all all all ${passwordMethod(major)}`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
