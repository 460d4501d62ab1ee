import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { FirstBoot } from './first-boot.ts';
import { Secret } from './secret.ts';
import { splitShellWords } from './shell-words.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A first boot as users of the `postgres` image describe it. POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and
 * POSTGRES_INITDB_ARGS may also be given as the path of a file, with `_FILE` behind the name.
 *
 * @param readFile reads such a file; called for nothing else
 * @throws SECRET_UNREADABLE, BAD_ARGUMENT; the messages name variables, never values
 */
export function firstBootFromEnvironment(
  environment: Environment,
  readFile: (path: string) => string,
): FirstBoot {
  const value = (name: string) => fromVariableOrFile(environment, name, readFile);
  const superuser = value('POSTGRES_USER') ?? 'postgres';
  const password = value('POSTGRES_PASSWORD');
  return {
    superuser,
    password: password === undefined ? undefined : new Secret(password),
    database: value('POSTGRES_DB') ?? superuser,
    owner: undefined,
    initdbArguments: splitArguments(value('POSTGRES_INITDB_ARGS') ?? ''),
    walDirectory: environment.POSTGRES_INITDB_WALDIR || undefined,
    hostAuthMethod: environment.POSTGRES_HOST_AUTH_METHOD || undefined,
    postInitSql: [],
    postInitTemplateSql: [],
    postInitApplicationSql: [],
    mayLackPassword: false,
  };
}

/** Empty counts as not set, as in the image. A file loses its line feeds at the end, as in a command substitution. */
function fromVariableOrFile(
  environment: Environment,
  name: string,
  readFile: (path: string) => string,
): string | undefined {
  const direct = environment[name] || undefined;
  const path = environment[`${name}_FILE`] || undefined;
  if (direct !== undefined && path !== undefined) {
    throw new ManagerError('SECRET_UNREADABLE', `both ${name} and ${name}_FILE are set`);
  }
  if (path === undefined) return direct;
  try {
    return readFile(path).replace(/\n+$/, '') || undefined;
  } catch (error) {
    throw new ManagerError('SECRET_UNREADABLE', `${name}_FILE: ${messageOf(error)}`, { cause: error });
  }
}

function splitArguments(text: string): string[] {
  try {
    return splitShellWords(text);
  } catch (error) {
    throw new ManagerError('BAD_ARGUMENT', `POSTGRES_INITDB_ARGS: ${messageOf(error)}`, { cause: error });
  }
}
