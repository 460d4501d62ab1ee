import { get } from 'node:http';

/** Milliseconds: a manager that is frozen does not answer at all. */
const patience = 1_000;

export interface Answer {
  readonly code: number;
  readonly body: string;
}

/** Asks a status server of this machine. Rejects when it does not answer in time. */
export function ask(port: number, path: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const call = get({ host: '127.0.0.1', port, path, timeout: patience, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      body += chunk;
    });
    response.on('end', () => resolve({ code: response.statusCode ?? 0, body }));
    response.on('error', reject);
  });
  call.on('timeout', () => call.destroy(new Error(`no answer within ${patience / 1000} s`)));
  call.on('error', reject);
  return promise;
}
