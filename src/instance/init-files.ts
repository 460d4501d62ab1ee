import { accessSync, constants, createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ManagerError, messageOf, systemErrorCode } from '../errors/manager-error.ts';
import { type InitFileKind, initFileKind, inNameOrder } from '../postgres/init-files.ts';
import { connect, type ServerAddress } from '../postgres/io/connection.ts';
import { findProgram } from '../postgres/io/installation.ts';
import { describeExit } from '../process/exit-status.ts';
import { runTool } from '../process/run-tool.ts';
import type { ServerContext } from './server-context.ts';

/** For whom and where the files are run. */
export interface InitFilesPlan {
  readonly directory: string;
  /** Environment of the programs, but for what leads them to the server. */
  readonly env: NodeJS.ProcessEnv;
  readonly superuser: string;
  readonly password: string | undefined;
  readonly database: string;
}

/** Milliseconds between TERM and KILL for a script that is called off. */
const grace = 5_000;

/** What a sourced script of the `postgres` image may call; `$1` is the script. */
const shellPrelude = `
docker_process_sql() { psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc "$@"; }
. "$1"`;

/**
 * Runs the files of the initialisation directory in name order. The first failure ends it.
 *
 * @throws INIT_SCRIPT_FAILED
 */
export async function runInitFiles(
  context: ServerContext,
  plan: InitFilesPlan,
  address: ServerAddress,
  signal: AbortSignal,
  onStep: (step: string) => void,
): Promise<void> {
  for (const name of await listInitFiles(plan.directory)) {
    signal.throwIfAborted();
    const path = join(plan.directory, name);
    const kind = initFileKind(name);
    if (kind === 'ignored') {
      context.log.warn({ file: path }, 'file ignored: not .sh, .sql, .sql.gz, .sql.xz or .sql.zst');
      continue;
    }
    onStep(name);
    context.log.info({ file: path }, 'running initialisation file');
    try {
      if (kind === 'script') await runScript(context, plan, address, path, signal);
      else await runSql(context, plan, address, path, kind, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ManagerError('INIT_SCRIPT_FAILED', `${path}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Names of the files, in order; none when there is no such directory. */
export async function listInitFiles(directory: string): Promise<string[]> {
  try {
    return inNameOrder(await readdir(directory));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw new ManagerError('INIT_SCRIPT_FAILED', `${directory}: ${messageOf(error)}`, { cause: error });
  }
}

/** Executable scripts run by themselves, others are sourced by a shell, as users of the `postgres` image know it. */
async function runScript(
  context: ServerContext,
  plan: InitFilesPlan,
  address: ServerAddress,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const env = clientEnvironment(context, plan, address);
  if (isExecutable(path)) return run(context, path, [], env, undefined, signal);
  const bash = findProgram(context.installation, 'bash', context.env.PATH);
  const [shell, options] = bash === undefined ? ['/bin/sh', '-e'] : [bash, '-Eeo pipefail'];
  await run(context, shell, [...options.split(' '), '-c', shellPrelude, shell, path], env, undefined, signal);
}

async function runSql(
  context: ServerContext,
  plan: InitFilesPlan,
  address: ServerAddress,
  path: string,
  kind: Exclude<InitFileKind, 'script' | 'ignored'>,
  signal: AbortSignal,
): Promise<void> {
  const psql = findProgram(context.installation, 'psql', context.env.PATH);
  if (psql === undefined) return runSqlWithoutPsql(plan, address, path, kind);
  const input = await openSql(context, path, kind, signal);
  const from = input === undefined ? ['-f', path] : [];
  const args = ['-v', 'ON_ERROR_STOP=1', '--no-psqlrc', '--no-password', ...from];
  await run(context, psql, args, clientEnvironment(context, plan, address), input, signal);
}

/** Undefined for a plain file, which psql reads by itself and can then name in its messages. */
async function openSql(
  context: ServerContext,
  path: string,
  kind: InitFileKind,
  signal: AbortSignal,
): Promise<Readable | undefined> {
  switch (kind) {
    case 'sql.gz':
      return decompressed(path, (await import('node:zlib')).createGunzip());
    case 'sql.zst':
      return decompressed(path, (await import('node:zlib')).createZstdDecompress());
    case 'sql.xz':
      return openXz(context, path, signal);
    default:
      return undefined;
  }
}

function decompressed<T extends NodeJS.ReadWriteStream & Readable>(path: string, decoder: T): T {
  createReadStream(path)
    .once('error', (error) => decoder.destroy(error))
    .pipe(decoder);
  return decoder;
}

/** Node has no decoder for xz: the program of that name does it. */
function openXz(context: ServerContext, path: string, signal: AbortSignal): Readable {
  const xz = findProgram(context.installation, 'xz', context.env.PATH);
  if (xz === undefined) throw new ManagerError('BINARY_MISSING', 'xz is needed for .sql.xz files');
  const child = context.children.spawn(xz, ['-dc', path], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  child.on('error', (error) => child.stdout?.destroy(error));
  child.once('exit', (code) => {
    if (code !== 0) child.stdout?.destroy(new Error(`xz ended with exit status ${code}`));
  });
  context.logOutput('xz', 'stderr', child.stderr as Readable);
  return child.stdout as Readable;
}

/** Where the image has no psql: the whole file as one simple query. Commands of psql (`\c`) are then syntax errors. */
async function runSqlWithoutPsql(
  plan: InitFilesPlan,
  address: ServerAddress,
  path: string,
  kind: InitFileKind,
): Promise<void> {
  if (kind !== 'sql') throw new ManagerError('BINARY_MISSING', 'psql is needed for compressed SQL files');
  const client = await connect(
    address,
    { user: plan.superuser, database: plan.database, password: plan.password },
    { connectTimeout: grace, statementTimeout: 0 },
  );
  try {
    await client.query(`SET search_path TO "$user", public; ${await readFile(path, 'utf8')}`);
  } finally {
    await client.end();
  }
}

async function run(
  context: ServerContext,
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: Readable | undefined,
  signal: AbortSignal,
): Promise<void> {
  const program = file.slice(file.lastIndexOf('/') + 1);
  // A decoder that fails must not look like the end of the file: psql would commit what came before.
  const broken = Promise.withResolvers<never>();
  input?.once('error', broken.reject);
  const calledOff = new AbortController();
  input?.once('error', () => calledOff.abort());
  const ended = runTool(context.children, file, args, {
    env,
    inherit: context.lockDescriptor,
    ...(input === undefined ? {} : { input }),
    onOutput: (stream, output) => context.logOutput(program, stream, output),
    signal: AbortSignal.any([signal, calledOff.signal]),
    grace,
    kill: context.impatience,
  });
  const exit = input === undefined ? await ended : await Promise.race([ended, broken.promise]);
  signal.throwIfAborted();
  if (exit.code !== 0) throw new Error(`${program} ended with ${describeExit(exit)}`);
}

/** What psql and scripts need to reach the temporary server, and the variables that the image promises them. */
function clientEnvironment(
  context: ServerContext,
  plan: InitFilesPlan,
  address: ServerAddress,
): NodeJS.ProcessEnv {
  return {
    ...plan.env,
    PGHOST: address.socketDirectory,
    PGPORT: String(address.port),
    PGUSER: plan.superuser,
    PGDATABASE: plan.database,
    PGDATA: context.dataDirectory,
    POSTGRES_USER: plan.superuser,
    POSTGRES_DB: plan.database,
    ...(plan.password === undefined ? {} : { POSTGRES_PASSWORD: plan.password, PGPASSWORD: plan.password }),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
