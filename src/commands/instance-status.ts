import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import { certificateFiles } from '../postgres/surroundings.ts';
import type { StatusOptions } from './options.ts';
import { renderStatus } from './status-screen.ts';

/** Milliseconds. */
const patience = 30_000;

/**
 * Shows what the status server of this container says: a screen on a terminal, otherwise the JSON of /pg/status as
 * scripts and the contract (01, 2.9) expect it.
 *
 * @returns 0, or 1 when the server did not report
 * @throws STATUS_UNREACHABLE
 */
export async function showStatus(options: StatusOptions): Promise<number> {
  const format = options.output ?? (process.stdout.isTTY ? 'text' : 'json');
  // Also when there is no server: what the instance is doing, and why it waits.
  const status = await request(options.statusPort, '/pg/status?format=json');
  if (format === 'json') {
    process.stdout.write(status.body);
    return status.code === 200 ? 0 : 1;
  }
  const readiness = await request(options.statusPort, '/readyz?format=json');
  const report = JSON.parse(status.body) as Record<string, unknown>;
  const ready = JSON.parse(readiness.body) as { ok: boolean; reasons: Array<{ code: string; text: string }> };
  process.stdout.write(renderStatus(report, ready));
  return status.code === 200 ? 0 : 1;
}

interface Answer {
  readonly code: number;
  readonly body: string;
}

/** Where there is a server CA the port has TLS, unless --status-port-tls was not given: then it answers in clear. */
async function request(port: number, path: string): Promise<Answer> {
  const ca = serverCa();
  try {
    if (ca !== undefined) {
      // Names in a certificate are those of Services, and nobody is called localhost (contract 01, 2.9).
      const tls = { ca, minVersion: 'TLSv1.3', checkServerIdentity: () => undefined } as const;
      const answer = await ask('https', { port, path, ...tls }).catch(unlessInClear);
      if (answer !== undefined) return answer;
    }
    return await ask('http', { port, path });
  } catch (error) {
    throw new ManagerError('STATUS_UNREACHABLE', `127.0.0.1:${port}: ${messageOf(error)}`, { cause: error });
  }
}

function serverCa(): string | undefined {
  try {
    return readFileSync(certificateFiles.serverCa, 'utf8');
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isAbsent) return undefined;
    throw new ManagerError('STATUS_UNREACHABLE', messageOf(error), { cause: error });
  }
}

/** What came was no TLS at all. Every other failure of it is one: somebody else may be listening. */
function unlessInClear(error: Error): undefined {
  if (!error.message.includes('wrong version number')) throw error;
}

async function ask(scheme: 'http' | 'https', options: RequestOptions): Promise<Answer> {
  const { get } = await (scheme === 'http' ? import('node:http') : import('node:https'));
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const call = get({ host: '127.0.0.1', timeout: patience, ...options }, (response: IncomingMessage) => {
    let body = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('end', () => resolve({ code: response.statusCode ?? 0, body })).on('error', reject);
  });
  call.on('timeout', () => call.destroy(new Error(`no answer within ${patience / 1000} s`)));
  call.on('error', reject);
  return promise;
}
