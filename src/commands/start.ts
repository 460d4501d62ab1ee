import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { withoutEcho } from '../process/echo.ts';
import { stepDown } from '../process/step-down.ts';
import { runInstance } from './instance-run.ts';
import type { GlobalOptions, ProgramContext, RunOptions } from './options.ts';

/** The clone that this file lies in. */
const root = join(import.meta.dirname, '..', '..');

/**
 * `npm start`: an instance in `.local/` of the clone, open to this machine only, on the usual ports or the next free
 * ones.
 */
export async function startForDevelopment(
  options: RunOptions & GlobalOptions,
  context: ProgramContext,
): Promise<number> {
  const local = join(root, '.local');
  const pgData = options.pgData ?? join(local, 'pgdata');
  const runtimeDir = options.runtimeDir ?? join(local, 'run');
  // As root the directory must be given away before root is: afterwards nothing could be made in the clone.
  if (process.getuid?.() === 0) {
    mkdirSync(local, { recursive: true });
    stepDown(pgData, [runtimeDir]);
  }
  const port = options.port ?? (await freePort(5432));
  const statusPort = await freePort(options.statusPort);
  const socketDir = options.socketDir ?? runtimeDir;
  const isNew = !existsSync(join(pgData, 'PG_VERSION'));
  process.env.POSTGRES_HOST_AUTH_METHOD ??= 'trust';
  process.stderr.write(greeting({ pgData, socketDir, port, statusPort, isNew }));
  const serverArguments = ['-c', 'listen_addresses=127.0.0.1', ...context.serverArguments];
  return runInstance(
    {
      ...options,
      pgData,
      runtimeDir,
      socketDir,
      port,
      statusPort,
      statusAddress: options.statusAddress ?? '127.0.0.1',
    },
    { ...context, inbox: withoutEcho(context.inbox), serverArguments },
  );
}

function greeting(facts: {
  pgData: string;
  socketDir: string;
  port: number;
  statusPort: number;
  isNew: boolean;
}): string {
  return `
  data      ${facts.pgData}${facts.isNew ? ' (new)' : ''}
  connect   psql "host=127.0.0.1 port=${facts.port} user=postgres dbname=postgres"
            psql "host=${facts.socketDir} port=${facts.port} user=postgres dbname=postgres"
  probes    http://127.0.0.1:${facts.statusPort}/healthz  /readyz  /startupz
  status    npm run manager -- instance status --status-port ${facts.statusPort}
  stop      Ctrl-C

`;
}

/** The first port from this one on that nobody listens on. */
async function freePort(from: number): Promise<number> {
  for (let port = from; port < from + 100; port += 1) {
    if (await isFree(port)) return port;
  }
  return from;
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer()
    .once('error', () => resolve(false))
    .listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  return promise;
}
