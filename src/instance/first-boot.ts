import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { FirstBoot } from '../cluster/first-boot.ts';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import { passwordCensor } from '../postgres/censor.ts';
import { stagingDirectory, unfinishedMarker } from '../postgres/data-directory.ts';
import { classifyFailure } from '../postgres/failure.ts';
import { needsTrial } from '../postgres/hba-method.ts';
import { connect, type ServerAddress } from '../postgres/io/connection.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/literals.ts';
import { describeExit } from '../process/exit-status.ts';
import { withPasswdEntry } from '../process/passwd-entry.ts';
import { runTool } from '../process/run-tool.ts';
import { syncDirectory } from './atomic-file.ts';
import { listInitFiles, runInitFiles } from './init-files.ts';
import type { ServerContext } from './server-context.ts';
import { withTemporaryServer } from './temporary-server.ts';

/** Milliseconds between TERM and KILL for an initdb that is called off. */
const grace = 5_000;

export interface FirstBootOptions {
  readonly context: ServerContext;
  readonly plan: FirstBoot;
  /** Directory of *.sh and *.sql files; it need not exist. */
  readonly initDirectory: string;
  /** Arguments for the server after `-D PGDATA`: the server of the first SQL gets them too. */
  readonly serverArguments: readonly string[];
  /** Writes the configuration files into PGDATA; called once initdb is done. */
  readonly writeConfiguration: () => void;
  readonly onStep: (step: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Makes a new database in an empty PGDATA. A marker file stands there from the first moment to the last, so that
 * whatever interrupts this, the next start knows that nobody was ever served from what it finds, and moves it aside.
 *
 * @throws INITDB_FAILED, INIT_SCRIPT_FAILED, POSTGRES_FAILED, BINARY_MISSING, USER_WITHOUT_NAME; the reason of `signal` when called off
 */
export async function makeNewDatabase(options: FirstBootOptions): Promise<void> {
  const { context, plan } = options;
  const { dataDirectory } = context;
  const env = withPasswdEntry(context.env, context.directories.privateSocket);
  const marker = join(dataDirectory, unfinishedMarker);
  writeFileSync(marker, 'The initialisation of this directory has not been completed.\n', { mode: 0o600 });
  options.onStep('initdb');
  await runInitdb(options, env);
  moveIntoPlace(dataDirectory);
  options.writeConfiguration();
  if (await needsServer(options)) {
    options.onStep('first-boot SQL');
    const { serverArguments, signal } = options;
    await withTemporaryServer(context, { superuser: plan.superuser, serverArguments, signal }, (address) =>
      runFirstSql(options, env, address),
    );
  }
  options.signal.throwIfAborted();
  // By now the configuration writer has synced the directory, with everything that was moved into it.
  unlinkSync(marker);
  syncDirectory(dataDirectory);
}

async function runInitdb({ context, plan, signal }: FirstBootOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const staging = join(context.dataDirectory, stagingDirectory);
  const secret = plan.password?.reveal();
  const password = secret === undefined ? undefined : openSecret(context, secret);
  const censor = secret === undefined ? undefined : passwordCensor(secret);
  const args = [
    ...[`--username=${plan.superuser}`, '-D', staging],
    ...(password === undefined ? [] : ['--pwfile=/dev/stdin']),
    ...(plan.walDirectory === undefined ? [] : [`--waldir=${plan.walDirectory}`]),
    ...plan.initdbArguments,
  ];
  const exit = await runTool(context.children, join(context.installation.binDirectory, 'initdb'), args, {
    env,
    inherit: context.lockDescriptor,
    ...(password === undefined ? {} : { input: password }),
    onOutput: (stream, output) => context.logOutput('initdb', stream, output, censor),
    signal,
    grace,
    kill: context.impatience,
  }).catch((error: unknown) => {
    throw new ManagerError('BINARY_MISSING', `initdb cannot be run: ${messageOf(error)}`, { cause: error });
  });
  if (password !== undefined) closeSync(password);
  signal.throwIfAborted();
  if (exit.code !== 0) {
    const code = classifyFailure(context.troubles(), 'INITDB_FAILED');
    throw new ManagerError(code, `initdb ended with ${describeExit(exit)}`);
  }
}

/**
 * A descriptor from which initdb can read the password as /dev/stdin: a file that has lost its name before anything
 * is in it, so that the secret is in no argument, no environment and no directory. (A pipe of Node is a socket,
 * which cannot be opened again.)
 */
function openSecret(context: ServerContext, secret: string): number {
  const path = join(context.directories.privateSocket, `.secret-${process.pid}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  writeSync(descriptor, `${secret}\n`);
  return descriptor;
}

/** initdb wants an empty directory, and PGDATA holds the marker: it works one level below, and its result moves up. */
function moveIntoPlace(dataDirectory: string): void {
  const staging = join(dataDirectory, stagingDirectory);
  for (const name of readdirSync(staging)) renameSync(join(staging, name), join(dataDirectory, name));
  rmdirSync(staging);
}

/**
 * The server is only started when there is something to ask of it, or to find out whether it takes pg_hba.conf: as long as
 * the marker stands a correction costs nothing, while afterwards the file is the user's.
 */
async function needsServer({ plan, initDirectory }: FirstBootOptions): Promise<boolean> {
  const sql = [...plan.postInitSql, ...plan.postInitTemplateSql, ...plan.postInitApplicationSql];
  const ownDatabase = plan.database !== 'postgres' || plan.owner !== undefined;
  const { hostAuthMethod } = plan;
  if (hostAuthMethod !== undefined && needsTrial(hostAuthMethod)) return true;
  return ownDatabase || sql.length > 0 || (await listInitFiles(initDirectory)).length > 0;
}

/** The order is that of contract 04, 3.6, with the files of the image's users at the end. */
async function runFirstSql(
  options: FirstBootOptions,
  env: NodeJS.ProcessEnv,
  address: ServerAddress,
): Promise<void> {
  const { plan, context, signal, onStep } = options;
  const password = plan.password?.reveal();
  const inDatabase = (database: string, statements: readonly string[], what: string) =>
    runStatements(address, { user: plan.superuser, database, password }, statements, what);

  if (plan.owner !== undefined && plan.owner !== plan.superuser) {
    await inDatabase('postgres', [createRoleUnlessThere(plan.owner)], 'creating the owner');
  }
  await inDatabase('postgres', plan.postInitSql, 'postInitSQL');
  await inDatabase('template1', plan.postInitTemplateSql, 'postInitTemplateSQL');
  if (plan.database !== 'postgres' && plan.database !== 'template1') {
    const owner = plan.owner === undefined ? '' : ` OWNER ${quoteIdentifier(plan.owner)}`;
    await inDatabase(
      'postgres',
      [`CREATE DATABASE ${quoteIdentifier(plan.database)}${owner}`],
      'creating the database',
    );
  }
  await inDatabase(plan.database, plan.postInitApplicationSql, 'postInitApplicationSQL');
  const files = {
    directory: options.initDirectory,
    env,
    superuser: plan.superuser,
    password,
    database: plan.database,
  };
  await runInitFiles(context, files, address, signal, onStep);
}

function createRoleUnlessThere(role: string): string {
  const create = `CREATE ROLE ${quoteIdentifier(role)} LOGIN`;
  return `DO ${quoteLiteral(
    `BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${quoteLiteral(role)}) THEN ${create}; END IF; END`,
  )}`;
}

/** Each text is one simple query, so that several statements in it are one transaction (contract 04, 3.6). */
async function runStatements(
  address: ServerAddress,
  login: { user: string; database: string; password: string | undefined },
  statements: readonly string[],
  what: string,
): Promise<void> {
  if (statements.length === 0) return;
  const client = await connect(address, login, { connectTimeout: grace, statementTimeout: 0 });
  try {
    await client.query('SET search_path TO "$user", public');
    for (const statement of statements) await client.query(statement);
  } catch (error) {
    throw new ManagerError('INIT_SCRIPT_FAILED', `${what}: ${messageOf(error)}`, { cause: error });
  } finally {
    await client.end();
  }
}

/** Makes PGDATA when it is missing; leaves an existing one as it is. */
export function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ManagerError(
      'PGDATA_UNREADABLE',
      `${path} cannot be created: ${systemErrorCode(error) ?? messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
