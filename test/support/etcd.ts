import { join } from 'node:path';
import { LastingProcess } from './lasting-process.ts';
import { lastingPort } from './ports.ts';

/** Milliseconds. */
const patience = 10_000;

/** Where an API server keeps everything. */
export class Etcd {
  readonly url: string;
  readonly #process: LastingProcess;

  private constructor(program: string, directory: string, ports: { client: number; peer: number }) {
    this.url = `http://127.0.0.1:${ports.client}`;
    const peers = `http://127.0.0.1:${ports.peer}`;
    const flags = {
      'data-dir': join(directory, 'etcd'),
      'listen-client-urls': this.url,
      'advertise-client-urls': this.url,
      'listen-peer-urls': peers,
      'initial-advertise-peer-urls': peers,
      'initial-cluster': `default=${peers}`,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    // Nothing here outlives the machine.
    this.#process = new LastingProcess(program, [...args, '--unsafe-no-fsync'], join(directory, 'etcd.log'));
  }

  static async start(program: string, directory: string): Promise<Etcd> {
    const etcd = new Etcd(program, directory, { client: await lastingPort(), peer: await lastingPort() });
    await etcd.#process.ready('etcd', () =>
      etcd.#ask('/v3/kv/range', { key: 'YQ==' }).then(
        () => true,
        () => false,
      ),
    );
    return etcd;
  }

  /** Makes every version that an API server has given out until now too old to watch from. Only while that is stopped. */
  async forgetHistory(): Promise<void> {
    const { header } = (await this.#ask('/v3/kv/put', { key: 'YQ==', value: 'YQ==' })) as {
      header: { revision: string };
    };
    await this.#ask('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  async stop(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }

  async #ask(path: string, body: object): Promise<unknown> {
    const signal = AbortSignal.timeout(patience);
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      signal,
    });
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
