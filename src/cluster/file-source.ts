import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Libc } from '../process/libc.ts';
import type { Cluster } from './cluster.ts';
import { parseClusterFile, type Remark } from './cluster-file.ts';
import { FileLease } from './file-lease.ts';
import { watchText } from './file-watch.ts';
import { SharedFile } from './shared-file.ts';
import type { ClusterReading, ClusterSource } from './source.ts';
import type { ClusterStatus } from './status.ts';
import { type Edit, editYaml } from './yaml-edit.ts';

export interface FileSourceOptions {
  /** Told once for every text that is read and has some. */
  readonly onWarnings?: (warnings: readonly Remark[]) => void;
  /** False for who only looks: nothing is made that is not there. Default true. */
  readonly mayCreate?: boolean;
}

/**
 * Opens the Cluster that several managers of one machine share: a YAML file which people write, and into which managers
 * write the status. Beside it lie `<file>.lock`, `<file>.lease`, `<file>.lease.lock`, and `<file>.<name>.lock` of each
 * instance; whoever comes first makes them.
 *
 * @throws CLUSTER_UNREADABLE
 */
export async function openFileSource(
  path: string,
  libc: Libc,
  options: FileSourceOptions = {},
): Promise<FileSource> {
  let real: string;
  try {
    // A link is followed once: replacing the link itself would leave the file behind.
    real = await realpath(path);
  } catch (error) {
    throw new ManagerError('CLUSTER_UNREADABLE', messageOf(error), { cause: error });
  }
  const lease = new FileLease(`${real}.lease`, libc);
  if (options.mayCreate !== false) await lease.create();
  return new FileSource(path, new SharedFile(real, libc, { isDurable: true }), lease, options);
}

interface Parsed {
  readonly text: string;
  readonly reading: ClusterReading;
  readonly warnings: readonly Remark[];
}

export class FileSource implements ClusterSource {
  readonly kind = 'file';
  readonly isOrdered = false;
  readonly lease: FileLease;
  /** As the user wrote it, for messages. */
  readonly #name: string;
  readonly #file: SharedFile;
  readonly #onWarnings: (warnings: readonly Remark[]) => void;
  #last: Parsed | undefined;

  constructor(name: string, file: SharedFile, lease: FileLease, options: FileSourceOptions) {
    this.#name = name;
    this.#file = file;
    this.lease = lease;
    this.#onWarnings = options.onWarnings ?? (() => {});
  }

  async read(signal: AbortSignal): Promise<ClusterReading> {
    const text = await this.#file.read(signal);
    if (text === undefined) throw new ManagerError('CLUSTER_UNREADABLE', `${this.#name} is missing`);
    const parsed = await this.#parse(text);
    if (parsed !== this.#last && parsed.warnings.length > 0) this.#onWarnings(parsed.warnings);
    this.#last = parsed;
    return parsed.reading;
  }

  watch(onChange: () => void): () => void {
    return watchText(this.#file.path, this.#last?.text, onChange);
  }

  async updateStatus(
    change: (status: ClusterStatus) => ClusterStatus | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading> {
    return this.#update(({ status }) => {
      const changed = change(status ?? {});
      if (changed === undefined || isDeepStrictEqual(changed, status)) return undefined;
      return { path: ['status'], value: changed };
    }, signal);
  }

  /**
   * Sets an annotation of the Cluster to what `change` returns; undefined leaves it alone.
   *
   * @throws BAD_CLUSTER_FILE, CLUSTER_UNREADABLE, CLUSTER_CONFLICT
   */
  async updateAnnotation(
    name: string,
    change: (cluster: Cluster) => string | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading> {
    return this.#update((cluster) => {
      const value = change(cluster);
      if (value === undefined || value === cluster.metadata.annotations?.[name]) return undefined;
      return { path: ['metadata', 'annotations', name], value };
    }, signal);
  }

  async #update(
    change: (cluster: Cluster) => Edit | undefined,
    signal: AbortSignal,
  ): Promise<ClusterReading> {
    let checked: Parsed | undefined;
    const text = await this.#file.update(async (found) => {
      const { cluster } = (await this.#parse(found)).reading;
      const edit = change(cluster);
      if (edit === undefined) return undefined;
      const version = { path: ['metadata', 'resourceVersion'], value: String(numberOf(cluster) + 1) };
      // Read before it is written: a status with a field of another type could not be read again.
      checked = await this.#parse(await editYaml(found, [edit, version]));
      return checked.text;
    }, signal);
    this.#last = await this.#parse(text, checked);
    return this.#last.reading;
  }

  /** @param known what may have been parsed before */
  async #parse(text: string, known = this.#last): Promise<Parsed> {
    if (known?.text === text) return known;
    const { cluster, warnings } = await parseClusterFile(text, this.#name);
    // The number alone would not tell an edit by a person, who leaves it as it is.
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
    const reading = { cluster, resourceVersion: `${numberOf(cluster)}-${hash}` };
    return { text, reading, warnings };
  }
}

/** Grows with every write of a manager. A file that came from an API server may hold any text. */
function numberOf({ metadata }: Cluster): number {
  const text = metadata.resourceVersion ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
