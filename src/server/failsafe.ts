import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { PromiseQuestion } from '../alignment/vouching.ts';
import { messageOf } from '../errors/manager-error.ts';
import { isOfServer, type PeerTls } from './peer-certificate.ts';

/** Bytes; the question is two names and a number. */
const longestQuestion = 1_024;

/** An instance that may be asked for its promise (src/alignment/vouching.ts). */
export interface FailsafePeer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface FailsafeAnswer {
  /** Whether anything came back at all. */
  readonly isReachable: boolean;
  readonly isPromised: boolean;
  /** Why not. */
  readonly why: string;
}

/**
 * Asks an instance not to lead for a while. Never rejects. An instance of another make only says that it is there, and so does one
 * that has the address by now of the one that was meant.
 */
export async function askForPromise(
  { name, host, port }: FailsafePeer,
  { holder, duration }: Omit<PromiseQuestion, 'giver'>,
  tls: PeerTls,
  signal: AbortSignal,
): Promise<FailsafeAnswer> {
  const { promise, resolve } = Promise.withResolvers<FailsafeAnswer>();
  const unreachable = (error: unknown) =>
    resolve({ isReachable: false, isPromised: false, why: messageOf(error) });
  const body = JSON.stringify({ primary: holder, to: name, duration });
  try {
    const sent = request(
      {
        ...{ host, port, path: '/failsafe', method: 'POST', agent: false, signal },
        ...{ ...tls, minVersion: 'TLSv1.3', rejectUnauthorized: true },
        // It is asked at an address, and says its name itself; this is asked when the authorities have been found to have signed.
        checkServerIdentity: (_host, { raw }) =>
          isOfServer(new X509Certificate(raw), tls, true)
            ? undefined
            : new Error('it shows another certificate than that of the server'),
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(answerOf(text, name))).on('error', unreachable);
      },
    );
    sent.on('error', unreachable).end(body);
  } catch (error) {
    // A pair that TLS cannot use is found out before anything is sent.
    unreachable(error);
  }
  return promise;
}

function answerOf(text: string, giver: string): FailsafeAnswer {
  try {
    const { promised, by, why } = JSON.parse(text) as { promised?: unknown; by?: unknown; why?: unknown };
    const isPromised = promised === true && by === giver;
    const otherwise = promised === true && !isPromised ? `it is ${String(by)} that has answered` : '';
    return { isReachable: true, isPromised, why: String(why ?? otherwise) };
  } catch {
    return { isReachable: true, isPromised: false, why: 'it knows no promises' };
  }
}

/** What is asked; undefined when it is no question. Rejects when the connection breaks. */
export async function questionOf(request: IncomingMessage): Promise<PromiseQuestion | undefined> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request as AsyncIterable<string>) {
    text += chunk;
    if (text.length > longestQuestion) return undefined;
  }
  try {
    const { primary, to, duration } = JSON.parse(text) as Record<string, unknown>;
    const areNames = typeof primary === 'string' && primary !== '' && typeof to === 'string';
    return areNames && typeof duration === 'number' ? { holder: primary, giver: to, duration } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the other side has shown that it is an instance of this Cluster. */
export function isPeer({ socket }: IncomingMessage, own: PeerTls | undefined): boolean {
  const certificate = (socket as Partial<TLSSocket>).getPeerX509Certificate?.();
  return certificate !== undefined && own !== undefined && isOfServer(certificate, own);
}
