import { readFileSync } from 'node:fs';
import type { FileSource } from '../../src/cluster/file-source.ts';
import { SharedFile } from '../../src/cluster/shared-file.ts';
import type { LeaseRecord } from '../../src/cluster/source.ts';
import { type ClusterStatus, clusterPhase, timestamp } from '../../src/cluster/status.ts';
import { editYaml } from '../../src/cluster/yaml-edit.ts';
import type { Libc } from '../../src/process/libc.ts';

const patient = () => AbortSignal.timeout(30_000);

/** A Cluster file that several managers share, as an operator, or a person with an editor, sees and changes it. */
export class ClusterFile {
  readonly path: string;
  protected readonly source: FileSource;
  protected readonly libc: Libc;
  readonly #listeners = new Set<(primary: string) => void>();

  constructor(path: string, source: FileSource, libc: Libc) {
    this.path = path;
    this.source = source;
    this.libc = libc;
  }

  async status(): Promise<ClusterStatus> {
    return (await this.source.read(patient())).cluster.status ?? {};
  }

  async editStatus(change: (status: ClusterStatus) => ClusterStatus): Promise<void> {
    await this.source.updateStatus(change, patient());
  }

  /** The lease of the primary, as it stands in its file. */
  get lease(): Pick<LeaseRecord, 'holder' | 'renewTime' | 'transitions'> {
    return JSON.parse(readFileSync(`${this.path}.lease`, 'utf8')) as LeaseRecord;
  }

  /** Sets a value anywhere in the file, as a person with an editor would. */
  async edit(path: readonly string[], value: unknown): Promise<void> {
    const file = new SharedFile(this.path, this.libc, { isDurable: false });
    await file.update((text) => editYaml(text, [{ path, value }]), patient());
  }

  /** Asks that the servers of these do not run; of nobody else. */
  async fence(names: readonly string[]): Promise<void> {
    await this.edit(['metadata', 'annotations', 'cnpg.io/fencedInstances'], JSON.stringify(names));
  }

  /** What an operator does to move the primary. */
  async target(name: string): Promise<void> {
    const phase = name === 'pending' ? clusterPhase.failover : clusterPhase.switchover;
    await this.editStatus((status) => ({
      ...status,
      targetPrimary: name,
      targetPrimaryTimestamp: timestamp(Date.now()),
      phase,
    }));
  }

  async primary(): Promise<string | undefined> {
    return (await this.status()).currentPrimary;
  }

  /** Calls back with the primary of the Cluster whenever the file has changed. @returns the way to stop */
  onPrimary(listener: (primary: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected async tell(): Promise<void> {
    const { currentPrimary } = await this.status();
    if (currentPrimary !== undefined) for (const listener of this.#listeners) listener(currentPrimary);
  }
}
