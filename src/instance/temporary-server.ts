import { join } from 'node:path';
import type { StopPolicy } from '../alignment/stop-plan.ts';
import { ManagerError } from '../errors/manager-error.ts';
import { classifyFailure } from '../postgres/failure.ts';
import type { ServerAddress } from '../postgres/io/connection.ts';
import { pingServer } from '../postgres/io/startup-ping.ts';
import { describeExit } from '../process/exit-status.ts';
import { markServer } from '../process/left-behind.ts';
import { pause } from './deadline.ts';
import { endLeftBehind } from './left-behind.ts';
import { type Postmaster, startPostmaster } from './postmaster.ts';
import type { ServerContext } from './server-context.ts';
import { Stopper } from './stopper.ts';

const pollPeriod = 20;
const pingPatience = 1_000;
/** Milliseconds: a process that outlives its server could hold the output open for ever. */
const lastWordsPatience = 500;
/** Nobody but the initialisation is connected: there is nothing to be patient for. */
const stopPolicy: StopPolicy = { smartSeconds: 0, fastSeconds: 600, immediateSeconds: 60 };

export interface TemporaryServerOptions {
  readonly superuser: string;
  /** Arguments that the server proper will get after `-D PGDATA`. */
  readonly serverArguments: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Runs a piece of work against a server that nobody else can reach: no TCP, and a socket in a directory of mode
 * 0700. Stops it afterwards, also when the work failed or was called off.
 *
 * @throws what classifyFailure names when the server does not start; whatever `work` throws
 */
export async function withTemporaryServer(
  context: ServerContext,
  { superuser, serverArguments, signal }: TemporaryServerOptions,
  work: (address: ServerAddress) => Promise<void>,
): Promise<void> {
  const address = { socketDirectory: context.directories.privateSocket, port: context.port };
  const mark = markServer(context.dataDirectory, context.executable);
  const postmaster = await startPostmaster({
    children: context.children,
    executable: join(context.installation.binDirectory, context.executable),
    args: [
      ...['-D', context.dataDirectory],
      // What initialisation scripts rely on may be set there, such as shared_preload_libraries.
      ...serverArguments,
      // Of an option that is given twice the last one counts: nothing above lets anybody in.
      ...['-c', 'listen_addresses=', '-c', `unix_socket_directories=${address.socketDirectory}`],
      // There are no standbys yet: a commit would wait for them for ever.
      ...['-c', `port=${address.port}`, '-c', 'synchronous_standby_names='],
    ],
    env: context.env,
    lockDescriptor: context.lockDescriptor,
    onOutput: (stream, output) => context.logOutput(context.executable, stream, output),
  });
  const stopper = new Stopper(
    'the temporary server',
    postmaster,
    () => stopPolicy,
    async () => {},
    context.log,
  );
  const hurry = () => stopper.push('fault');
  const hurryMore = () => stopper.push('immediate stop requested');
  signal.addEventListener('abort', hurry);
  context.impatience.addEventListener('abort', hurryMore);
  try {
    await untilAccepting(context, postmaster, address, superuser, signal);
    await work(address);
  } finally {
    signal.removeEventListener('abort', hurry);
    stopper.push('stop requested');
    await postmaster.exited;
    await endLeftBehind(mark, context.log);
    context.impatience.removeEventListener('abort', hurryMore);
  }
}

async function untilAccepting(
  context: ServerContext,
  postmaster: Postmaster,
  address: ServerAddress,
  user: string,
  signal: AbortSignal,
): Promise<void> {
  const ended = postmaster.exited.then((exit) => ({ kind: 'ended' as const, exit }));
  for (;;) {
    signal.throwIfAborted();
    const result = await Promise.race([pingServer(address, user, pingPatience), ended]);
    if (result.kind === 'accepts') return;
    if (result.kind === 'ended') {
      // What it printed last may still be on its way.
      await Promise.race([postmaster.silent, pause(lastWordsPatience, signal)]);
      throw new ManagerError(
        classifyFailure(context.troubles()),
        `the temporary server ended with ${describeExit(result.exit)}`,
      );
    }
    await pause(pollPeriod, signal);
  }
}
