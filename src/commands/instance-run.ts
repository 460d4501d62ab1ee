import { hostname } from 'node:os';
import { join } from 'node:path';
import { catalogue } from '../errors/catalogue.ts';
import { ManagerError } from '../errors/manager-error.ts';
import { Instance } from '../instance/instance.ts';
import { directoriesToGive } from '../instance/runtime-directory.ts';
import type { InstanceSettings } from '../instance/settings.ts';
import { defaultDataDirectory } from '../postgres/io/data-directory-facts.ts';
import { findInstallation } from '../postgres/io/installation.ts';
import { buildVersion } from '../process/build.ts';
import { Children } from '../process/children.ts';
import type { Identity } from '../process/identity.ts';
import { tellKernel } from '../process/kernel-settings.ts';
import { type Libc, openLibc, type WaitStatus } from '../process/libc.ts';
import { Reaper } from '../process/reaper.ts';
import { stepDown } from '../process/step-down.ts';
import { findMisplaced } from './arguments.ts';
import { bindCluster } from './cluster-binding.ts';
import { type Logging, openLogging } from './logging.ts';
import type { GlobalOptions, ProgramContext, RunOptions } from './options.ts';
import { podOf } from './pod.ts';
import { asksServerOnly, findForeignArgument, findOverruledArguments } from './server-arguments.ts';

/** Milliseconds that a slow reader of the log gets at the end. */
const farewell = 2_000;
const defaultPort = 5432;

/**
 * Runs one instance to the end of its server.
 *
 * @param ignored what stands on the command line and means nothing here, perhaps to a newer operator (contract 01, 1.3)
 * @returns the exit status of the process
 * @throws LOG_DESTINATION; every other error is logged and becomes the exit status
 */
export async function runInstance(
  options: RunOptions & GlobalOptions,
  context: ProgramContext,
  ignored: readonly string[] = [],
): Promise<number> {
  const environment = process.env;
  const executable = environment.POSTGRES_NAME || 'postgres';
  if (asksServerOnly(context.serverArguments))
    return becomeServer(options, executable, context.serverArguments);
  const libc = openLibc();
  const log = (where: GlobalOptions) => openLogging(where, environment.POD_NAME || undefined, libc);
  let identity: Identity | undefined;
  try {
    refuseMisunderstood(options, context.serverArguments, ignored);
    identity = leaveRoot(options);
  } catch (error) {
    // No file for it is opened as root, nor when nobody knows as whom.
    const { logDestination: _, ...standardOutput } = options;
    return tellRefusal(log(standardOutput), error);
  }
  const logging = log(options);
  logging.log.info({ ...buildVersion, node: process.version }, 'manager starts');
  if (identity !== undefined) logging.log.info(identity, 'stepped down from root');
  if (ignored.length > 0) logging.log.warn({ arguments: ignored }, 'unknown arguments ignored');
  const overruled = findOverruledArguments(context.serverArguments);
  if (overruled.length > 0)
    logging.log.warn({ arguments: overruled }, "no effect: the log path of the server is the manager's");
  tellKernel();
  const settings = settingsFor(options, context.serverArguments, executable, libc, logging);
  const status = await supervise(settings, libc, logging, context);
  await logging.flush(farewell);
  return status;
}

/** What could only be misunderstood is said before anything is done. */
function refuseMisunderstood(
  options: RunOptions,
  serverArguments: readonly string[],
  unknown: readonly string[],
): void {
  const isInPod = podOf(options, process.env) !== undefined;
  if (!isInPod && (options.statusPortTls === true || options.metricsPortTls === true)) {
    throw new ManagerError('TLS_NOT_AVAILABLE', 'there is no source of certificates without Kubernetes');
  }
  const foreign = findForeignArgument(serverArguments);
  if (foreign !== undefined) {
    throw new ManagerError(
      'BAD_ARGUMENT',
      `the argument ${foreign} is not for the server: name directories with --pg-data (PGDATA) and --socket-dir (PGHOST)`,
    );
  }
  const misplaced = findMisplaced(unknown);
  if (misplaced !== undefined) {
    throw new ManagerError(
      'BAD_ARGUMENT',
      `${misplaced} is no option of the manager: arguments of the server stand behind -- (manager instance run OPTIONS -- ARGUMENTS)`,
    );
  }
}

function leaveRoot(options: RunOptions): Identity | undefined {
  // initdb, no longer root, could not make it below a directory of root's: the `postgres` image gives it away as well.
  const walDirectory = absolute(process.env.POSTGRES_INITDB_WALDIR);
  return stepDown(dataDirectoryOf(options), [
    ...directoriesToGive,
    ...(walDirectory === undefined ? [] : [walDirectory]),
  ]);
}

async function tellRefusal(logging: Logging, error: unknown): Promise<number> {
  logging.log.error({ error }, 'nothing was started');
  await logging.flush(farewell);
  return error instanceof ManagerError ? error.exitCode : catalogue.INTERNAL.exitCode;
}

function settingsFor(
  options: RunOptions,
  serverArguments: readonly string[],
  executable: string,
  libc: Libc,
  logging: Logging,
): InstanceSettings {
  const environment = process.env;
  const name = options.podName ?? (environment.POD_NAME || hostname());
  return {
    name,
    dataDirectory: dataDirectoryOf(options),
    runtime: {
      runtimeDirectory: options.runtimeDir,
      socketDirectory: options.socketDir ?? absolute(environment.PGHOST),
    },
    binDirectory: options.bindir,
    executable,
    port: options.port ?? portOf(environment.PGPORT, logging),
    serverArguments,
    initDirectory: options.initDir,
    statusPort: options.statusPort,
    statusHost: options.statusAddress,
    hasStatusTls: options.statusPortTls === true,
    advertisedHost: options.advertiseAddress,
    bindCluster: () =>
      bindCluster({
        name,
        environment,
        clusterFile: options.clusterFile,
        clusterName: options.clusterName ?? (environment.CLUSTER_NAME || undefined),
        pod: podOf(options, environment),
        address: options.advertiseAddress,
        libc,
        log: logging.log,
      }),
  };
}

async function supervise(
  settings: InstanceSettings,
  libc: Libc,
  logging: Logging,
  context: ProgramContext,
): Promise<number> {
  const { log } = logging;
  const children = new Children();
  const reapedListeners: Array<(status: WaitStatus) => void> = [];
  const reaper = new Reaper(libc, children, (status) => {
    log.debug({ ...status }, 'reaped an orphan');
    for (const listener of reapedListeners) listener(status);
  });
  reaper.start();
  const instance = new Instance(settings, {
    libc,
    children,
    logs: logging,
    environment: process.env,
    onReaped: (listener) => reapedListeners.push(listener),
  });
  process.on('warning', (warning) => log.debug({ name: warning.name }, warning.message));
  process.on('uncaughtException', (error) => instance.fault(error));
  process.on('unhandledRejection', (error) => instance.fault(error));
  context.inbox.listen((signal) => instance.control(signal));
  return instance.run();
}

/** `postgres --version` and the like: this process becomes the server's program, which answers. */
function becomeServer(options: RunOptions, executable: string, args: readonly string[]): number {
  const path = process.env.PATH;
  const found = findInstallation({ binDirectory: options.bindir, wantedMajor: undefined, executable, path });
  const program = join(found.binDirectory, executable);
  stepDown(dataDirectoryOf(options), []);
  process.execve?.(program, [program, ...args], process.env);
  return 1;
}

function dataDirectoryOf({ pgData }: RunOptions): string {
  return pgData ?? (process.env.PGDATA || defaultDataDirectory());
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path : undefined;
}

/** Contract 01, 1.8: what cannot be read as a port is 5432. */
function portOf(text: string | undefined, { log }: Logging): number {
  if (text === undefined || text === '') return defaultPort;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0 && value < 65_536) return value;
  log.warn({ PGPORT: text }, `PGPORT is no port: using ${defaultPort}`);
  return defaultPort;
}
