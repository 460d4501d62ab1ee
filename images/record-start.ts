import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseIdentity } from '../src/process/identity.ts';
import { readPasswd } from '../src/process/step-down.ts';

/** Milliseconds for each of the two starts, initdb included; then the server is stopped at once. */
const patience = 60_000;

/**
 * Starts the program twice on a server of this machine, with an empty directory and with the one of before, and puts what
 * V8 has compiled meanwhile beside the program. Images run that as it is: nobody but this user, and the one that root steps
 * down to, can write where it comes from.
 *
 * @returns the last line of the log when the program did not get to run a server here; undefined when it did
 */
export async function recordStart(dist: string): Promise<string | undefined> {
  const home = mkdtempSync(join(tmpdir(), 'manager-build-'));
  if (process.getuid?.() === 0) {
    const { uid, gid } = chooseIdentity({ dataDirectoryOwner: undefined, passwd: readPasswd() });
    chownSync(home, uid, gid);
  }
  const record = join(home, 'cache');
  try {
    for (const _ of ['first boot', 'restart']) {
      const trouble = await runOnce(dist, home, record);
      if (trouble !== undefined) return trouble;
      writeFileSync(join(dist, 'program.cjs.cache'), readFileSync(record));
    }
    return undefined;
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runOnce(dist: string, home: string, record: string): Promise<string | undefined> {
  const options = {
    '--pg-data': join(home, 'data'),
    '--runtime-dir': join(home, 'private'),
    '--socket-dir': join(home, 'socket'),
    '--status-port': 0,
    '--status-address': '127.0.0.1',
  };
  const words = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const program = [join(dist, 'recorder.cjs'), 'instance', 'run', ...words, '--', '-c', 'listen_addresses='];
  const child = spawn(join(dist, 'node'), program, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, RECORD: record, POSTGRES_HOST_AUTH_METHOD: 'trust' },
  });
  const timer = setTimeout(() => child.kill('SIGQUIT'), patience);
  const exit = once(child, 'exit');
  let output = '';
  let isSettled = false;
  for await (const chunk of child.stdout) {
    output += String(chunk);
    // When it knows its server, it has done everything that it does at a start.
    if (isSettled || !output.includes('as it shall be')) continue;
    isSettled = true;
    child.kill('SIGTERM');
  }
  await exit;
  clearTimeout(timer);
  return isSettled ? undefined : (output.trimEnd().split('\n').at(-1) ?? '');
}
