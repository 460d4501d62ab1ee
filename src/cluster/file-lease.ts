import { createHash, randomUUID } from 'node:crypto';
import type { Libc } from '../process/libc.ts';
import { watchText } from './file-watch.ts';
import { SharedFile } from './shared-file.ts';
import type { LeaseRecord, LeaseStore } from './source.ts';

/** Nobody's name: instances have names of lower-case letters, digits and hyphens. */
const unknownHolder = '(unreadable)';

/** The fields of the file; `version` grows with every write, so that no two leases are alike. */
type Stored = Omit<LeaseRecord, 'resourceVersion'> & { readonly version: number };

const free: Stored = {
  holder: '',
  durationSeconds: 1,
  acquireTime: '',
  renewTime: '',
  transitions: 0,
  version: 0,
};

/**
 * The lease of the primary in a file of its own, so that its renewals do not touch the Cluster.
 *
 * It is never synced: it is renewed every two seconds, and a power failure that takes it away takes every holder and every
 * candidate on this machine as well. Who leads afterwards says the Cluster, which is synced. What the failure leaves of the
 * lease is safe in every case: an older one runs out before another may claim it, so does one that cannot be read, and a
 * missing one is made anew, free, by the first that starts. One that somebody removes while instances run is another
 * matter: whoever held it may still lead.
 */
export class FileLease implements LeaseStore {
  readonly #file: SharedFile;

  constructor(path: string, libc: Libc) {
    this.#file = new SharedFile(path, libc, { isDurable: false });
  }

  /** Makes the lease, free, unless it is there. The operator does so on Kubernetes. */
  async create(): Promise<void> {
    await this.#file.createOnce(encode(free), 0o644);
  }

  /**
   * Makes a lease again that was removed. It is nobody's, and not free: a candidate waits until it has run out by the
   * candidate's own clock, which begins later than the last renewal of whoever held the removed one.
   */
  async remake(signal: AbortSignal): Promise<LeaseRecord | undefined> {
    const held = { ...free, holder: unknownHolder, renewTime: randomUUID() };
    await this.#file.createOnce(encode(held), 0o644);
    return this.read(signal);
  }

  async read(signal: AbortSignal): Promise<LeaseRecord | undefined> {
    const text = await this.#file.read(signal);
    return text === undefined ? undefined : recordOf(text);
  }

  async write(record: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | 'conflict'> {
    let written: string | undefined;
    await this.#file.update((text) => {
      // Called again when somebody else was faster: then it is the other one's lease that is compared.
      written = undefined;
      if (recordOf(text).resourceVersion !== record.resourceVersion) return undefined;
      written = encode({ ...record, version: decode(text).version + 1 });
      return written;
    }, signal);
    return written === undefined ? 'conflict' : recordOf(written);
  }

  watch(onChange: () => void): () => void {
    return watchText(this.#file.path, undefined, onChange);
  }
}

function recordOf(text: string): LeaseRecord {
  const { version, ...lease } = decode(text);
  return { ...lease, resourceVersion: `${version}-${hashOf(text)}` };
}

function encode({ holder, durationSeconds, acquireTime, renewTime, transitions, version }: Stored): string {
  return `${JSON.stringify({ holder, durationSeconds, acquireTime, renewTime, transitions, version })}\n`;
}

/**
 * A text that is no lease is one of a holder that nobody knows: it is not free, and it runs out like any other. Its time
 * of renewal is its hash, which changes with it.
 */
function decode(text: string): Stored {
  const value = fieldsOf(text);
  const string = (name: keyof Stored) => (typeof value[name] === 'string' ? value[name] : undefined);
  const number = (name: keyof Stored) => (typeof value[name] === 'number' ? value[name] : undefined);
  const holder = string('holder');
  return {
    holder: holder ?? unknownHolder,
    durationSeconds: number('durationSeconds') ?? 1,
    acquireTime: string('acquireTime') ?? '',
    renewTime: (holder === undefined ? undefined : string('renewTime')) ?? hashOf(text),
    transitions: number('transitions') ?? 0,
    version: number('version') ?? 0,
  };
}

function fieldsOf(text: string): Partial<Record<keyof Stored, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
