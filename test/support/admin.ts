import { request } from 'node:https';

/** What an administrator of a test asks with: not by the code that is tested. */
export interface AdminAccess {
  readonly port: number;
  readonly token: string;
  /** In PEM. */
  readonly ca: string;
}

export interface Answer {
  readonly code: number;
  /** Parsed, or as it came when it is no JSON. */
  readonly body: unknown;
}

/** Any object of the API; tests look into it where they know better. */
// biome-ignore lint/suspicious/noExplicitAny: an object of any kind, of which tests name members that they have written themselves
export type Json = any;

const mergePatch = 'application/merge-patch+json';
/** Milliseconds. */
const patience = 30_000;

/** Requests of an administrator, who may do everything. */
export class Admin {
  readonly #access: () => AdminAccess;

  constructor(access: () => AdminAccess) {
    this.#access = access;
  }

  /** For those who ask in another way. */
  get token(): string {
    return this.#access().token;
  }

  get(path: string): Promise<Json> {
    return this.#done('GET', path);
  }

  create(path: string, object: object): Promise<Json> {
    return this.#done('POST', path, object);
  }

  /** Merges (RFC 7396). */
  patch(path: string, patch: object): Promise<Json> {
    return this.#done('PATCH', path, patch, mergePatch);
  }

  put(path: string, object: object): Promise<Json> {
    return this.#done('PUT', path, object);
  }

  delete(path: string): Promise<Json> {
    return this.#done('DELETE', path);
  }

  /** As somebody else, and whatever comes of it. */
  ask(method: string, path: string, { token, body, contentType }: AskOptions = {}): Promise<Answer> {
    const access = this.#access();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = request(
      {
        ...{
          host: '127.0.0.1',
          port: access.port,
          ca: access.ca,
          path,
          method,
          agent: false,
          timeout: patience,
        },
        headers: {
          authorization: `Bearer ${token ?? access.token}`,
          ...(text === undefined
            ? {}
            : {
                'content-type': contentType ?? 'application/json',
                'content-length': Buffer.byteLength(text),
              }),
        },
      },
      (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          answer += chunk;
        });
        response
          .on('end', () => resolve({ code: response.statusCode ?? 0, body: parsed(answer) }))
          .on('error', reject);
      },
    );
    sent.on('error', reject).on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer`)));
    sent.end(text);
    return promise;
  }

  async #done(method: string, path: string, body?: object, contentType?: string): Promise<Json> {
    const answer = await this.ask(method, path, { body, contentType });
    if (answer.code >= 300)
      throw new Error(`${method} ${path}: ${answer.code} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

export interface AskOptions {
  readonly token?: string | undefined;
  readonly body?: object | undefined;
  readonly contentType?: string | undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
