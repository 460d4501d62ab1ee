import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds for each of the two starts, initdb included. */
const patience = 60_000;

/**
 * Starts the program twice on a server of this machine, with an empty directory and with the one of before, and puts what
 * V8 has compiled meanwhile beside the program.
 *
 * @returns false when it could not be started here, for want of a PostgreSQL server: then every start compiles
 */
export async function recordStart(dist: string): Promise<boolean> {
  const home = mkdtempSync(join(tmpdir(), 'manager-build-'));
  // As root, the program steps down to another user.
  chmodSync(home, 0o777);
  const record = join(home, 'cache');
  try {
    for (const _ of ['first boot', 'restart']) {
      await runOnce(dist, home, record);
      if (!existsSync(record)) return false;
      writeFileSync(join(dist, 'program.cjs.cache'), readFileSync(record));
      rmSync(record);
    }
    return true;
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runOnce(dist: string, home: string, record: string): Promise<void> {
  const [port, statusPort] = [await freePort(), await freePort()];
  const options = {
    '--pg-data': join(home, 'data'),
    '--runtime-dir': join(home, 'private'),
    '--socket-dir': join(home, 'socket'),
    '--port': port,
    '--status-port': statusPort,
    '--status-address': '127.0.0.1',
  };
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const program = [join(dist, 'recorder.cjs'), 'instance', 'run', ...words, '--', '-c', 'listen_addresses='];
  const child = spawn(join(dist, 'node'), program, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, RECORD: record, POSTGRES_HOST_AUTH_METHOD: 'trust' },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  const exit = once(child, 'exit');
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    // When it knows its server, it has done everything that it does at a start.
    if (output.includes('as it shall be')) child.kill('SIGTERM');
  }
  await exit;
  clearTimeout(timer);
}

/** A port of 127.0.0.1 that nobody uses at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
