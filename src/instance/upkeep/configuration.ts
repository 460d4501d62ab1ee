import { join } from 'node:path';
import type { Client } from 'pg';
import { specDigest } from '../../cluster/registration.ts';
import { customFile } from '../../postgres/configuration.ts';
import { readIfPresent } from '../atomic-file.ts';
import { isConfigurationDue, writeConfigurationFiles } from '../configuration-writer.ts';
import { now, pause } from '../deadline.ts';
import type { StepContext } from '../step-context.ts';

/** Milliseconds for a reload to show; the postmaster and the session each read the files by themselves. */
const patience = 5_000;
const pollPeriod = 20;

/**
 * Keeps the generated files as the Cluster wants them, and the server loaded with them. That a reload is due is remembered
 * until the server shows that it has happened (contract 03, section 7, hazard 11).
 */
export class ConfigurationUpkeep {
  readonly #step: StepContext;
  #isReloadDue = false;
  /** Somebody wants a reload, whether anything has changed or not. */
  #isReloadWanted = false;
  #writtenSpec: string | undefined;
  #loadedSpec: string | undefined;

  constructor(step: StepContext) {
    this.#step = step;
  }

  /** Digest of the spec with whose configuration the server runs; undefined until that was seen. */
  get loadedSpec(): string | undefined {
    return this.#loadedSpec;
  }

  /** At the next `settle` the server is told to reload in any case. */
  requireReload(): void {
    this.#isReloadWanted = true;
  }

  /** Writes what has changed, compared with what is on the disk: a rewind or a copy may have brought another's files. */
  async settle(signal: AbortSignal): Promise<void> {
    const { context, desired, server, view, log } = this.#step;
    if (isConfigurationDue(context, desired())) await this.#step.denyFailover(signal);
    const changed = writeConfigurationFiles(context, desired(), { isFirstBoot: false });
    this.#writtenSpec = specDigest(view.latest?.cluster);
    if (changed.length > 0 || this.#isReloadWanted) this.#isReloadDue = true;
    this.#isReloadWanted = false;
    if (!this.#isReloadDue) return;
    log.info({ changed }, changed.length > 0 ? 'configuration changed: reloading' : 'reloading');
    server.signal('SIGHUP');
  }

  /** Waits until the server has loaded what was written. Rejects when it does not. */
  async confirm(client: Client, signal: AbortSignal): Promise<void> {
    const spec = this.#writtenSpec;
    if (this.#isReloadDue) await this.#awaitReload(client, signal);
    this.#isReloadDue = false;
    this.#loadedSpec = spec;
  }

  async #awaitReload(client: Client, signal: AbortSignal): Promise<void> {
    const wanted = this.#digestOfFile();
    const end = now() + patience;
    for (;;) {
      const loaded = await loadedDigest(client);
      if (wanted === undefined || loaded === wanted) break;
      if (now() > end)
        throw new Error('the server has not loaded its configuration; see its log for the reason');
      await pause(pollPeriod, signal);
      signal.throwIfAborted();
    }
  }

  #digestOfFile(): string | undefined {
    const text = readIfPresent(join(this.#step.context.dataDirectory, customFile)) ?? '';
    return /^cnpg\.config_sha256 = '([0-9a-f]+)'$/m.exec(text)?.[1];
  }
}

/** By which the configuration that the server runs with is known again (contract 04, 4.7); empty before the first. */
export async function loadedDigest(client: Client): Promise<string> {
  const { rows } = await client.query<{ digest: string }>(
    "SELECT COALESCE(current_setting('cnpg.config_sha256', true), '') AS digest",
  );
  return rows[0]?.digest ?? '';
}
