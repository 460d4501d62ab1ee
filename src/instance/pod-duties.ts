import type { Client } from 'pg';
import { secretHappening } from '../alignment/happenings.ts';
import { secretsFingerprint } from '../cluster/certificates.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Certificates } from './certificates.ts';
import { pause } from './deadline.ts';
import type { SecretReader } from './secret-reader.ts';
import type { StepContext } from './step-context.ts';
import { PasswordUpkeep } from './upkeep/passwords.ts';

/** Milliseconds until Secrets that are missing, or cannot be read, are asked for again before a server can be started. */
const retryPeriod = 1_000;
/** Milliseconds: an API server that takes a request, and never answers, must not hold up a start that can do without. */
const defaultPatience = 10_000;

export interface PodDutiesOptions {
  readonly reader: SecretReader;
  readonly certificates: Certificates;
  /** The certificate of this instance has changed. */
  readonly onServerPair: () => void;
  /** Milliseconds for the Secrets of one attempt before a server can be started; others for tests. */
  readonly patience?: number;
}

/** What an instance owes to the Secrets of its Cluster: the files of certificates, and the passwords that people log in with. */
export class PodDuties {
  readonly #options: PodDutiesOptions;
  readonly #passwords: PasswordUpkeep;
  /** Of the Cluster whose Secrets were read last with success. */
  #settledFor: string | undefined;
  /** What was wrong with Secrets last. */
  #told = '';

  constructor(options: PodDutiesOptions) {
    this.#options = options;
    this.#passwords = new PasswordUpkeep(options.reader);
  }

  /**
   * Waits until there is everything that a server needs to start; what an earlier process has left will do, when the API does
   * not answer.
   *
   * @param say told why it waits, whenever that changes
   */
  async awaitCertificates(
    cluster: () => Cluster,
    signal: AbortSignal,
    say: (why: string) => void,
  ): Promise<void> {
    let said = '';
    for (;;) {
      const why = await this.#lack(cluster(), signal);
      if (why === undefined) return;
      if (why !== said) say(why);
      said = why;
      await pause(retryPeriod, signal);
      signal.throwIfAborted();
    }
  }

  async #lack(cluster: Cluster, signal: AbortSignal): Promise<string | undefined> {
    const { certificates, patience = defaultPatience } = this.#options;
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
      const { missing, broken } = await this.#settle(cluster, limited);
      // What is broken, and has been something once, is told by the first pass over the duties.
      return missing.length === 0 ? undefined : troubleOf(missing, broken);
    } catch (error) {
      signal.throwIfAborted();
      if (certificates.areComplete(cluster)) return undefined;
      return `certificates cannot be read: ${messageOf(error)}`;
    }
  }

  /** Reads the Secrets again when one of them may have changed, and lets everybody know who uses them. */
  async settleCertificates(step: StepContext, signal: AbortSignal): Promise<void> {
    const { view, server, log } = step;
    const cluster = view.latest?.cluster;
    if (cluster === undefined || secretsFingerprint(cluster) === this.#settledFor) return;
    const { changed, missing, broken } = await this.#settle(cluster, signal);
    if (changed.length > 0) {
      // The server reads its own at a reload; a WAL receiver reads those of the client when it connects.
      log.info({ changed }, 'certificates have changed');
      server.signal('SIGHUP');
      this.#options.onServerPair();
    }
    this.#tell(step, missing.length + broken.length === 0 ? '' : troubleOf(missing, broken));
  }

  /** @throws SECRET_UNREADABLE, unless there is no trouble; the event is told once */
  #tell({ settings, tell }: StepContext, trouble: string): void {
    const isNew = trouble !== this.#told;
    this.#told = trouble;
    if (trouble === '') return;
    if (isNew) tell(secretHappening(settings.name, trouble));
    throw new ManagerError('SECRET_UNREADABLE', trouble);
  }

  async #settle(cluster: Cluster, signal: AbortSignal) {
    const fingerprint = secretsFingerprint(cluster);
    const settled = await this.#options.certificates.settle(cluster, signal);
    if (settled.missing.length + settled.broken.length === 0) this.#settledFor = fingerprint;
    return settled;
  }

  /** On a primary. */
  async settlePasswords(step: StepContext, client: Client, signal: AbortSignal): Promise<void> {
    await this.#passwords.settle(step, client, signal);
  }
}

function troubleOf(missing: readonly string[], broken: readonly string[]): string {
  const parts =
    missing.length === 0 ? broken : [...broken, `certificates are missing: ${missing.join(', ')}`];
  return parts.join('; ');
}
