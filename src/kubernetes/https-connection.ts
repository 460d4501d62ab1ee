import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import { ApiError, errorOf } from './api-error.ts';
import type { ApiAccess } from './in-cluster.ts';

/** Milliseconds in which a server that is there takes a connection; one that is not answers nothing at all. */
const connectTimeout = 1_000;
/** Milliseconds without traffic after which the kernel asks whether the other side is still there, and each second then. */
const keepAliveDelay = 5_000;

export interface HttpsRequest {
  readonly method: 'GET' | 'PATCH' | 'PUT' | 'POST';
  readonly path: string;
  readonly contentType?: string;
  readonly body?: unknown;
}

export interface LineListener {
  /** The server has taken the request. */
  readonly onBegin: () => void;
  readonly onLine: (line: string) => void;
}

/** Requests to one API server over connections that are kept, with the token and the CA of the moment. */
export class HttpsConnection {
  readonly #access: ApiAccess;
  #agent: Agent | undefined;
  #ca = '';

  constructor(access: ApiAccess) {
    this.#access = access;
  }

  /** The answer, as JSON. */
  async ask<T>(what: HttpsRequest, signal: AbortSignal): Promise<T> {
    const response = await this.#send(what, signal);
    const text = await bodyOf(what, response, signal);
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new ApiError(`${what.method} ${what.path}: the answer is no JSON`, {}, { cause: error });
    }
  }

  /**
   * The answer line by line, as they come. Resolves when the server ends it; rejects when the connection breaks, and with what
   * the listener throws.
   */
  async follow(what: HttpsRequest, { onBegin, onLine }: LineListener, signal: AbortSignal): Promise<void> {
    const response = await this.#send(what, signal);
    onBegin();
    let rest = '';
    for await (const chunk of chunksOf(what, response, signal)) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
    }
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #send(what: HttpsRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#open(what, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode >= 200 && statusCode < 300) return response;
    const text = await bodyOf(what, response, signal);
    throw errorOf(`${what.method} ${what.path}`, statusCode, text, headers['retry-after']);
  }

  /** A kept connection may have been closed while the request was on its way: the next one is tried, at last a new one. */
  async #open(what: HttpsRequest, signal: AbortSignal): Promise<IncomingMessage> {
    for (;;) {
      try {
        return await this.#attempt(what, signal);
      } catch (error) {
        if (!(error instanceof ClosedMeanwhile)) throw error;
      }
    }
  }

  #attempt(what: HttpsRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const body = what.body === undefined ? undefined : JSON.stringify(what.body);
    const { agent, token } = this.#credentials(what);
    const sent = request(
      {
        host: this.#access.host,
        port: this.#access.port,
        path: what.path,
        method: what.method,
        agent,
        signal,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'user-agent': 'manager',
          ...(body === undefined
            ? {}
            : {
                'content-type': what.contentType ?? 'application/json',
                'content-length': Buffer.byteLength(body),
              }),
        },
      },
      resolve,
    );
    sent.once('socket', (socket) => watchSocket(sent, socket));
    // More than one may come: the second has nobody who could be told, and must not be an exception.
    sent.on('error', (error) => {
      if (signal.aborted) reject(signal.reason);
      else if (sent.reusedSocket && isClosed(error)) reject(new ClosedMeanwhile());
      else reject(lost(what, error));
    });
    sent.end(body);
    return promise;
  }

  /** Those of the moment; that they cannot be read is no answer of the server. */
  #credentials(what: HttpsRequest): { readonly agent: Agent; readonly token: string } {
    try {
      return { agent: this.#freshAgent(), token: this.#access.token() };
    } catch (error) {
      throw lost(what, error);
    }
  }

  /** A CA that has changed holds for new connections only: the old ones are let go, watches included. */
  #freshAgent(): Agent {
    const ca = this.#access.ca();
    // Node would take no certificate at all for those of everybody's browser.
    if (ca.trim() === '') throw new Error('ca.crt is empty');
    if (this.#agent === undefined || ca !== this.#ca) {
      this.#agent?.destroy();
      this.#ca = ca;
      const kept = { keepAlive: true, keepAliveMsecs: keepAliveDelay, maxFreeSockets: 2 };
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      this.#agent = new Agent({ ca, rejectUnauthorized: true, ...kept });
    }
    return this.#agent;
  }
}

/** The other side closed a connection that was kept, before it took the request. */
class ClosedMeanwhile extends Error {}

function isClosed(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

/** Neither a server that takes no connection nor one that has vanished may be waited for like one that works. */
function watchSocket(sent: ClientRequest, socket: Socket): void {
  socket.setKeepAlive(true, keepAliveDelay);
  if (!socket.connecting) return;
  const late = setTimeout(
    () => sent.destroy(new Error(`no connection within ${connectTimeout} ms`)),
    connectTimeout,
  );
  socket.once('connect', () => clearTimeout(late));
  socket.once('close', () => clearTimeout(late));
}

async function bodyOf(what: HttpsRequest, response: IncomingMessage, signal: AbortSignal): Promise<string> {
  let text = '';
  for await (const chunk of chunksOf(what, response, signal)) text += chunk;
  return text;
}

/** What goes wrong with the answer is an ApiError; what goes wrong with whoever takes it is not. */
async function* chunksOf(
  what: HttpsRequest,
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<string> {
  response.setEncoding('utf8');
  try {
    yield* response as AsyncIterable<string>;
  } catch (error) {
    signal.throwIfAborted();
    throw lost(what, error);
  }
}

function lost({ method, path }: HttpsRequest, error: unknown): ApiError {
  const text = error instanceof Error ? error.message : String(error);
  return new ApiError(`${method} ${path}: ${text}`, {}, { cause: error });
}
