import { whyNotHostMethod } from '../postgres/hba-method.ts';
import type { FirstBoot } from './first-boot.ts';
import { whyNotInitdbArguments } from './initdb-arguments.ts';

/**
 * A value with which initdb would fail, or would make a database that no server starts with. Only a new database asks for
 * it: what is wrong here does not matter to one that is there.
 *
 * @returns what is wrong, and what to do; undefined: nothing is. It names no secret
 */
export function findUnusableValue(plan: FirstBoot): string | undefined {
  const { superuser, walDirectory, hostAuthMethod } = plan;
  if (superuser.includes('"')) {
    return `POSTGRES_USER: initdb cannot make a superuser with a " in its name (${superuser}); take another name, and rename the role afterwards if it must be`;
  }
  if (walDirectory !== undefined && !walDirectory.startsWith('/')) {
    return `POSTGRES_INITDB_WALDIR: ${walDirectory} is no absolute path, which initdb insists on`;
  }
  const method = hostAuthMethod === undefined ? undefined : whyNotHostMethod(hostAuthMethod);
  if (method !== undefined) return `POSTGRES_HOST_AUTH_METHOD: ${method}`;
  const initdb = whyNotInitdbArguments(plan);
  return initdb === undefined ? undefined : `POSTGRES_INITDB_ARGS, or bootstrap.initdb.options: ${initdb}`;
}
