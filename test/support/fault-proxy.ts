import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { ControlPlane } from './control-plane.ts';

/** What is wrong between an instance and its API server. */
export type Fault =
  /** Every request is answered so, by whoever stands in between. */
  | { readonly kind: 'answer'; readonly code: number; readonly retryAfter?: number; readonly delay?: number }
  /** Connections are taken, and then closed. */
  | { readonly kind: 'close' }
  /** Connections that have been used are closed as soon as they are used again. */
  | { readonly kind: 'close-kept' }
  /** Requests are taken, and nothing comes back; of watches that stand, too. */
  | { readonly kind: 'hole' }
  /** Every watch ends as soon as it has begun. */
  | { readonly kind: 'end-watches' };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly isWatch: boolean;
  /** Milliseconds, by the monotonic clock. */
  readonly at: number;
}

interface Exchange extends SeenRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  upstream?: ClientRequest;
  /** Nothing comes back any more. */
  isLost: boolean;
}

/** Stands before the API server of a test, with a certificate of the same authority, and spoils what passes. */
export class FaultProxy {
  readonly requests: SeenRequest[] = [];
  /** How many connections were opened. */
  connections = 0;
  readonly #plane: ControlPlane;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #used = new WeakSet<Socket>();
  readonly #exchanges = new Set<Exchange>();
  #fault: Fault | undefined;

  private constructor(plane: ControlPlane) {
    const { certificate, key } = plane.serving;
    this.#plane = plane;
    this.#server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('tlsClientError', () => {});
    this.#server.on('request', (incoming, outgoing) => this.#take(incoming, outgoing));
  }

  /** One for a test. */
  static async start(plane: ControlPlane): Promise<FaultProxy> {
    const proxy = new FaultProxy(plane);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    proxy.#server.once('error', reject).listen({ port: 0, host: '127.0.0.1' }, resolve);
    await promise;
    onTestFinished(() => proxy.#close());
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get watches(): SeenRequest[] {
    return this.requests.filter(({ isWatch }) => isWatch);
  }

  begin(fault: Fault): void {
    this.#fault = fault;
    if (fault.kind === 'hole') for (const exchange of this.#exchanges) lose(exchange);
  }

  /** All is well again. What has been lost meanwhile is told to whoever waits for it, unless it shall never come. */
  end({ isSilent = false } = {}): void {
    this.#fault = undefined;
    if (isSilent) return;
    for (const { incoming, isLost } of this.#exchanges) if (isLost) this.#reset(incoming);
  }

  /** Breaks the connections of all watches. */
  cutWatches(): void {
    for (const { incoming, isWatch } of this.#exchanges) if (isWatch) this.#reset(incoming);
  }

  #take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = '', url: path = '' } = incoming;
    const seen = { method, path, isWatch: path.includes('watch=true'), at: performance.now() };
    this.requests.push(seen);
    const exchange: Exchange = { ...seen, incoming, outgoing, isLost: false };
    this.#exchanges.add(exchange);
    outgoing.once('close', () => {
      this.#exchanges.delete(exchange);
      exchange.upstream?.destroy();
    });
    const isKept = this.#used.has(incoming.socket);
    this.#used.add(incoming.socket);
    const fault = this.#fault;
    if (fault?.kind === 'close' || (fault?.kind === 'close-kept' && isKept)) this.#reset(incoming);
    else if (fault?.kind === 'answer') refuse(outgoing, fault);
    else if (fault?.kind === 'hole') lose(exchange);
    else this.#forward(exchange, fault?.kind === 'end-watches');
  }

  #forward(exchange: Exchange, endsWatches: boolean): void {
    const { incoming, outgoing, method, path, isWatch } = exchange;
    const { port, ca } = this.#plane;
    const { host: _, ...headers } = incoming.headers;
    const to = { host: '127.0.0.1', port, ca, agent: false, method, path, headers };
    const upstream = request(to, (answer) => {
      answer.on('error', () => this.#reset(incoming));
      if (exchange.isLost) return;
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      outgoing.flushHeaders();
      if (endsWatches && isWatch) outgoing.end();
      else
        answer
          .on('data', (chunk) => exchange.isLost || outgoing.write(chunk))
          .on('end', () => outgoing.end());
    });
    upstream.on('error', () => this.#reset(incoming));
    exchange.upstream = upstream;
    incoming.pipe(upstream);
  }

  /** As a machine does that has forgotten the connection. */
  #reset({ socket: { remotePort } }: IncomingMessage): void {
    for (const socket of this.#sockets) if (socket.remotePort === remotePort) socket.resetAndDestroy();
  }

  #close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const { upstream } of this.#exchanges) upstream?.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    return promise;
  }
}

function lose(exchange: Exchange): void {
  exchange.isLost = true;
}

function refuse(outgoing: ServerResponse, { code, retryAfter, delay = 0 }: Fault & { kind: 'answer' }): void {
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  const timer = setTimeout(() => outgoing.writeHead(code, headers).end('of the proxy'), delay);
  outgoing.once('close', () => clearTimeout(timer));
}
