import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PromiseQuestion } from '../alignment/vouching.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { PeerTls } from './peer-certificate.ts';
import { type KeyPair, serverTls } from './tls.ts';

/** What a probe answers: `reasons` is empty exactly when `ok`. */
export interface ProbeAnswer {
  readonly ok: boolean;
  readonly reasons: ReadonlyArray<{ readonly code: string; readonly text: string }>;
  /** What the instance is doing, for the form that tells every reason. */
  readonly manager?: object;
}

/** What the routes are answered from. The probes are plain look-ups in memory; only `status` may take time. */
export interface StatusSource {
  /** Of the instance. */
  readonly name: string;
  liveness(): ProbeAnswer;
  readiness(): ProbeAnswer;
  startup(): ProbeAnswer;
  /** Body of /pg/status; a rejection becomes a 500 with its text (contract 02, 6.1). */
  status(): Promise<object>;
  /** The same 500 as an object, for those who ask for JSON. */
  excuse(error: unknown): object;
  /** Promises another instance not to lead for a while; a text: why not. */
  promise(question: PromiseQuestion): string | undefined;
  /** What those show who may ask for that. */
  readonly peerTls: PeerTls | undefined;
}

/** Contract 02, 1.1: an idle connection outlives the pauses of the operator, a slow request does not. */
const keepAliveTimeout = 20_000;
const headersTimeout = 3_000;
const requestTimeout = 20_000;

/** The listener of the kubelet and the operator (contract 02, 1: L1). */
export class StatusServer {
  readonly #server: Server | TlsServer;

  /** @param tls undefined: without TLS */
  constructor(source: StatusSource, tls?: KeyPair) {
    const limits = { keepAliveTimeout, headersTimeout, requestTimeout };
    const answer: RequestListener = (request, response) => {
      if (request.method !== 'POST') request.resume();
      route(source, request, response);
    };
    this.#server =
      tls === undefined
        ? createServer(limits, answer)
        : process.getBuiltinModule('node:https').createServer({ ...limits, ...serverTls(tls) }, answer);
  }

  /** Shows another certificate from the next connection on. */
  renew(tls: KeyPair): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(serverTls(tls));
  }

  /** The port that it listens on; only once `listen` has resolved. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Begins to listen. Port 0 lets the kernel choose; an undefined host means all addresses of both families.
   *
   * @throws HTTP_PORT_IN_USE
   */
  async listen(port: number, host: string | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
    try {
      await promise;
    } catch (error) {
      throw new ManagerError('HTTP_PORT_IN_USE', messageOf(error), { cause: error });
    }
    this.#server.off('error', reject);
    // A later accept error (no descriptors left) must not end the process that looks after the database.
    this.#server.on('error', () => {});
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** /failsafe depends on nothing: other instances learn from it that they are not alone (contract 02, 5.5). */
function route(source: StatusSource, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const answer = probe(source, path);
  if (answer !== undefined) answerProbe(answer, wantsJson(request, query), response);
  else if (path === '/failsafe') answerFailsafe(source, request, response);
  else if (path === '/pg/status') answerStatus(source, asksForJson(query), response);
  else answerText(404, '404 page not found', response);
}

function answerFailsafe(source: StatusSource, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'POST') answerText(200, 'OK', response);
  else
    void promiseTo(source, request).then((why) =>
      answerJson(200, { promised: why === undefined, by: source.name, why }, response),
    );
}

async function promiseTo(source: StatusSource, request: IncomingMessage): Promise<string | undefined> {
  try {
    const { isPeer, questionOf } = await import('./failsafe.ts');
    const question = await questionOf(request);
    if (question === undefined) return 'that is no question';
    if (!isPeer(request, source.peerTls)) return 'whoever asks has not shown who it is';
    return source.promise(question);
  } catch (error) {
    return messageOf(error);
  }
}

function probe(source: StatusSource, path: string): ProbeAnswer | undefined {
  switch (path) {
    case '/healthz':
      return source.liveness();
    case '/readyz':
      return source.readiness();
    case '/startupz':
      return source.startup();
    default:
      return undefined;
  }
}

/** The header does not count here: the kubectl plugin sends it, and reads a failure as plain text (contract 02, 6.1). */
function answerStatus(source: StatusSource, json: boolean, response: ServerResponse): void {
  void source.status().then(
    (body) => answerJson(200, body, response),
    (error: unknown) => {
      if (json) answerJson(500, source.excuse(error), response);
      else answerText(500, messageOf(error), response);
    },
  );
}

/** `Accept: application/json` or `?format=json` asks for every reason; otherwise the first one, in a line. */
function wantsJson(request: IncomingMessage, query: string): boolean {
  const accept = request.headers.accept ?? '';
  return accept.includes('application/json') || asksForJson(query);
}

function asksForJson(query: string): boolean {
  return new URLSearchParams(query).get('format') === 'json';
}

function answerProbe(answer: ProbeAnswer, json: boolean, response: ServerResponse): void {
  const code = answer.ok ? 200 : 500;
  if (json) answerJson(code, answer, response);
  else answerText(code, answer.ok ? 'OK' : (answer.reasons[0]?.text ?? 'not OK'), response);
}

function answerText(code: number, text: string, response: ServerResponse): void {
  const body = code === 200 ? text : `${text.replaceAll('\n', ' ')}\n`;
  response.writeHead(code, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(code === 200 ? {} : { 'x-content-type-options': 'nosniff' }),
  });
  response.end(body);
}

function answerJson(code: number, body: object, response: ServerResponse): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
