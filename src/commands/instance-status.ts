import { get } from 'node:http';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
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

function request(port: number, path: string): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(
        new ManagerError('STATUS_UNREACHABLE', `127.0.0.1:${port}: ${messageOf(error)}`, { cause: error }),
      );
    const call = get({ host: '127.0.0.1', port, path, timeout: patience }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
      response.on('error', fail);
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${patience / 1000} s`)));
    call.on('error', fail);
  });
}
