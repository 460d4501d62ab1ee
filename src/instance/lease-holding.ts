import type { LeaseIntent } from '../alignment/decide.ts';
import type { LeaseFacts } from '../alignment/facts.ts';

/** What the loop needs of the lease. */
export interface LeaseHolding {
  readonly facts: LeaseFacts;
  /** Who held it when it was last seen; undefined: not seen. */
  readonly holder: string | undefined;
  intend(intent: LeaseIntent): void;
  /** Its holder's server has ended just now: it will be given back before long. */
  expectRelease(): void;
  /** Gives it back, if it is held, within so many milliseconds, and asks nothing more. Never rejects. */
  leave(deadline: number): Promise<void>;
}

/** Of an instance that shares its data with nobody: there is nobody who could hold it instead. */
export function unsharedLease(me: string): LeaseHolding {
  return {
    facts: { standing: 'held', heldSince: 0, fenceAt: Number.POSITIVE_INFINITY },
    holder: me,
    intend: () => {},
    expectRelease: () => {},
    leave: () => Promise.resolve(),
  };
}
