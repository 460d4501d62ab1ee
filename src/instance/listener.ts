import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { StatusServer, StatusSource } from '../server/status-server.ts';
import type { KeyPair } from '../server/tls.ts';
import type { InstanceSettings } from './settings.ts';

/** The status server, loaded and opened when somebody could want it: the server of the database comes first. */
export class Listener {
  readonly #source: StatusSource;
  readonly #settings: InstanceSettings;
  readonly #pair: () => KeyPair | undefined;
  readonly #log: Logger;
  readonly #onFailure: (error: ManagerError) => void;
  #server: Promise<StatusServer> | undefined;

  /** @param pair what it shows when TLS is asked for (--status-port-tls) */
  constructor(
    source: StatusSource,
    settings: InstanceSettings,
    pair: () => KeyPair | undefined,
    log: Logger,
    onFailure: (error: ManagerError) => void,
  ) {
    this.#source = source;
    this.#settings = settings;
    this.#pair = pair;
    this.#log = log;
    this.#onFailure = onFailure;
  }

  /** The port that it listens on; 0 when it could not be opened, which was told to `onFailure` then. Idempotent. */
  async open(): Promise<number> {
    const isFirst = this.#server === undefined;
    this.#server ??= this.#listen();
    try {
      return (await this.#server).port;
    } catch (error) {
      const known =
        error instanceof ManagerError
          ? error
          : new ManagerError('INTERNAL', messageOf(error), { cause: error });
      if (isFirst) this.#onFailure(known);
      return 0;
    }
  }

  /** The certificate has changed: connections from now on get the new one, or, when TLS cannot use it, still the old. */
  async renew(): Promise<void> {
    const pair = this.#pair();
    const server = await this.#server?.catch(() => undefined);
    try {
      if (pair !== undefined) server?.renew(pair);
    } catch (error) {
      this.#log.error({ error }, 'the status server goes on with its old certificate');
    }
  }

  async close(): Promise<void> {
    const server = await this.#server?.catch(() => undefined);
    server?.close();
  }

  async #listen(): Promise<StatusServer> {
    const { StatusServer } = await import('../server/status-server.ts');
    const pair = this.#settings.hasStatusTls ? this.#pair() : undefined;
    if (this.#settings.hasStatusTls && pair === undefined)
      throw new ManagerError('TLS_NOT_AVAILABLE', 'there is no certificate yet');
    const server = new StatusServer(this.#source, pair);
    await server.listen(this.#settings.statusPort, this.#settings.statusHost);
    this.#log.info({ port: server.port }, 'status server listens');
    return server;
  }
}
