import type { Cluster, InitDb } from './cluster.ts';
import type { FirstBoot } from './first-boot.ts';

/** Options of initdb for one field each, in the order of contract 04, 3.2. */
const flags: ReadonlyArray<readonly [keyof InitDb, string]> = [
  ['encoding', '--encoding'],
  ['localeCollate', '--lc-collate'],
  ['localeCType', '--lc-ctype'],
  ['locale', '--locale'],
  ['localeProvider', '--locale-provider'],
  ['icuLocale', '--icu-locale'],
  ['icuRules', '--icu-rules'],
  ['builtinLocale', '--builtin-locale'],
  ['walSegmentSize', '--wal-segsize'],
];

/**
 * A first boot as a Cluster describes it; what the environment says besides (a password, a directory for WAL, arguments
 * for initdb) completes it.
 */
export function firstBootFromCluster(cluster: Cluster, environment: FirstBoot): FirstBoot {
  const initdb = cluster.spec.bootstrap?.initdb ?? {};
  const database = initdb.database ?? 'app';
  return {
    superuser: environment.superuser,
    password: environment.password,
    database,
    owner: initdb.owner ?? database,
    initdbArguments: [...initdbArguments(initdb), ...environment.initdbArguments],
    walDirectory: environment.walDirectory,
    hostAuthMethod: undefined,
    postInitSql: initdb.postInitSQL ?? [],
    postInitTemplateSql: initdb.postInitTemplateSQL ?? [],
    postInitApplicationSql: initdb.postInitApplicationSQL ?? [],
    mayLackPassword: true,
  };
}

function initdbArguments(initdb: InitDb): string[] {
  if (initdb.options !== undefined && initdb.options.length > 0) return [...initdb.options];
  // Defaults of the operator's webhook, so that the same Cluster makes the same database everywhere.
  const complete: InitDb = {
    encoding: 'UTF8',
    ...(hasLocale(initdb) ? {} : { localeCollate: 'C', localeCType: 'C' }),
    ...initdb,
  };
  const checksums = complete.dataChecksums === true ? ['-k'] : [];
  const rest = flags.flatMap(([field, flag]) =>
    complete[field] === undefined ? [] : [`${flag}=${String(complete[field])}`],
  );
  return [...checksums, ...rest];
}

function hasLocale(initdb: InitDb): boolean {
  return initdb.locale !== undefined || initdb.localeProvider !== undefined;
}
