/** Variables that hold a secret: no program but an initialisation script gets to see them. */
const secrets = ['POSTGRES_PASSWORD', 'PGPASSWORD'];

/**
 * The environment for PostgreSQL's programs (contract 04, 11.2): ours without secrets, which a superuser could read
 * from /proc, and with the settings by which the server gives its children a normal place in the order of the
 * kernel's out-of-memory killer while the postmaster keeps its own.
 *
 * @param additions variables to set, such as PGDATA
 */
export function serverEnvironment(
  environment: NodeJS.ProcessEnv,
  additions: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !secrets.includes(name));
  return {
    ...Object.fromEntries(kept),
    PG_OOM_ADJUST_FILE: '/proc/self/oom_score_adj',
    PG_OOM_ADJUST_VALUE: '0',
    ...additions,
  };
}
