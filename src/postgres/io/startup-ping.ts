import { connect } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../../errors/manager-error.ts';
import { decodeStartupAnswer, encodeStartupMessage, type StartupAnswer } from '../startup-message.ts';
import type { ServerAddress } from './connection.ts';

/** An answer, or why there was none. */
export type PingResult = StartupAnswer | { readonly kind: 'silent'; readonly text: string };

/**
 * Asks the server on its socket whether it takes connections, as pg_isready does, without a process. Leaves no
 * trace in the server's log when it does: the session is given up before authentication.
 *
 * @param timeout milliseconds
 */
export function pingServer(address: ServerAddress, user: string, timeout: number): Promise<PingResult> {
  return new Promise((resolve) => {
    const socket = connect(join(address.socketDirectory, `.s.PGSQL.${address.port}`));
    let received = Buffer.alloc(0);
    const finish = (result: PingResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeout, () => finish({ kind: 'silent', text: `no answer within ${timeout} ms` }));
    socket.once('error', (error) => finish({ kind: 'silent', text: messageOf(error) }));
    socket.once('close', () => finish({ kind: 'silent', text: 'the server closed the connection' }));
    socket.once('connect', () => socket.write(encodeStartupMessage(user, 'postgres')));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = decodeStartupAnswer(received);
      if (answer !== undefined) finish(answer);
    });
  });
}
