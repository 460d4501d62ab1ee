import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { StatusServer, StatusSource } from '../server/status-server.ts';
import type { InstanceSettings } from './settings.ts';

/** The status server, loaded and opened when somebody could want it: the server of the database comes first. */
export class Listener {
  readonly #source: StatusSource;
  readonly #settings: InstanceSettings;
  readonly #log: Logger;
  readonly #onFailure: (error: ManagerError) => void;
  #server: Promise<StatusServer> | undefined;

  constructor(
    source: StatusSource,
    settings: InstanceSettings,
    log: Logger,
    onFailure: (error: ManagerError) => void,
  ) {
    this.#source = source;
    this.#settings = settings;
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

  async close(): Promise<void> {
    const server = await this.#server?.catch(() => undefined);
    server?.close();
  }

  async #listen(): Promise<StatusServer> {
    const { StatusServer } = await import('../server/status-server.ts');
    const server = new StatusServer(this.#source);
    await server.listen(this.#settings.statusPort, this.#settings.statusHost);
    this.#log.info({ port: server.port }, 'status server listens');
    return server;
  }
}
