import { mightBePrimary } from '../alignment/data-role.ts';
import { freshLeaseMemory, type Promised } from '../alignment/lease.ts';
import { type PromiseQuestion, promiseTo } from '../alignment/vouching.ts';
import { dataRoleOf } from './data-role.ts';

/**
 * Promises of an instance that has not read the Cluster yet (src/alignment/vouching.ts), such as one that starts while the API
 * is away: it has no reason of its own to lead, and whatever it learns later, it keeps what it promised. Without this, the
 * start of a standby would end the reign of a primary that waits for the API.
 */
export class EarlyPromise {
  readonly #me: string;
  readonly #dataDirectory: string;
  readonly #clock: () => number;
  #given: Promised | undefined;

  /** @param clock that of the lease, in milliseconds */
  constructor(me: string, dataDirectory: string, clock: () => number) {
    this.#me = me;
    this.#dataDirectory = dataDirectory;
    this.#clock = clock;
  }

  /** The last one; undefined: none. */
  get given(): Promised | undefined {
    return this.#given;
  }

  /** @returns why not, when it is not given */
  give(question: PromiseQuestion): string | undefined {
    const promised = promiseTo(freshLeaseMemory, {
      ...question,
      ...{ me: this.#me, roles: undefined, isWriting: false, now: this.#clock() },
      isPrimary: mightBePrimary(dataRoleOf(this.#dataDirectory)),
    });
    if (typeof promised === 'string') return promised;
    this.#given = promised.promise;
    return undefined;
  }
}
