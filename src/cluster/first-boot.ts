import type { Secret } from './secret.ts';

/** Everything that the making of a new database needs, wherever it was said. */
export interface FirstBoot {
  readonly superuser: string;
  readonly password: Secret | undefined;
  /** The database of the application; `postgres`: none is created. */
  readonly database: string;
  /** Role that owns it; undefined: the superuser. */
  readonly owner: string | undefined;
  readonly initdbArguments: readonly string[];
  readonly walDirectory: string | undefined;
  /** Method of the line `host all all all …` that ends pg_hba.conf; undefined: the server's password method. */
  readonly hostAuthMethod: string | undefined;
  readonly postInitSql: readonly string[];
  readonly postInitTemplateSql: readonly string[];
  readonly postInitApplicationSql: readonly string[];
  /**
   * Whether a database without a password is what was asked for. A Cluster lets nobody in through the network until a
   * password is set, so it needs none; the environment of the `postgres` image must say one, or `trust`.
   */
  readonly mayLackPassword: boolean;
}

/** Why a new database may not be made like this; undefined when it may. */
export function whyNotFirstBoot(plan: FirstBoot): string | undefined {
  const hasPassword = plan.password !== undefined && plan.password.reveal() !== '';
  if (hasPassword || plan.mayLackPassword || plan.hostAuthMethod === 'trust') return undefined;
  return 'no password for the superuser of the new database';
}

/** What a person should know about a database that is made like this. */
export function firstBootWarnings(plan: FirstBoot): string[] {
  const warnings: string[] = [];
  if (plan.hostAuthMethod === 'trust') {
    warnings.push(
      'POSTGRES_HOST_AUTH_METHOD=trust: everybody who reaches the port may do everything, without a password',
    );
  }
  if ((plan.password?.reveal().length ?? 0) >= 100) {
    warnings.push('the password has 100 characters or more, which some clients cut off');
  }
  return warnings;
}
