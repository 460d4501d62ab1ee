/** Password method of a server: SCRAM since 14 (contract 04, 4.4.5). */
export function passwordMethod(major: number): string {
  return major >= 14 ? 'scram-sha-256' : 'md5';
}

/**
 * pg_hba.conf of a Cluster (contract 04, 5), without the lines for client certificates, of which there are none here.
 * The user who runs the server enters by its socket as the superuser, everybody else with a password.
 *
 * @param systemUser name of that user; undefined when it is in no passwd file: PostgreSQL cannot tell who is at the
 *   other end of the socket then, so that `peer` would let nobody in. The server then keeps its socket to its own user (unix_socket_permissions).
 */
export function clusterHba(rules: readonly string[], major: number, systemUser: string | undefined): string {
  const local = systemUser === undefined ? 'local all all trust' : 'local all all peer map=local';
  return `${[local, ...rules, `host all all all ${passwordMethod(major)}`].join('\n')}\n`;
}

/** pg_ident.conf of a Cluster (contract 04, 6). */
export function clusterIdent(
  maps: readonly string[],
  systemUser: string | undefined,
  superuser: string,
): string {
  const own = systemUser === undefined ? [] : [`local ${quoteToken(systemUser)} ${quoteToken(superuser)}`];
  return [...own, ...maps].map((line) => `${line}\n`).join('');
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
