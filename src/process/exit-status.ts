import { constants } from 'node:os';

/** How a child ended, as Node reports it: exactly one of the two is set. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The one exit status with a meaning for the operator: no space for WAL (contract 01, 1.6). */
const reservedForMissingSpace = 4;

/**
 * The exit status that this process shows for a child: its own, or 128 + the number of the signal that killed
 * it, as shells and small inits do. 4 is reserved, so a child that ends with 4 shows as 1.
 */
export function exitStatusOf(exit: ChildExit): number {
  if (exit.signal !== null) return 128 + constants.signals[exit.signal];
  if (exit.code === reservedForMissingSpace) return 1;
  return exit.code ?? 1;
}

/** `exit status 1` or `signal SIGKILL`, for messages. */
export function describeExit(exit: ChildExit): string {
  return exit.signal === null ? `exit status ${exit.code}` : `signal ${exit.signal}`;
}

/** The name of a signal number as waitpid(2) gives it. */
export function signalName(number: number): NodeJS.Signals | undefined {
  for (const [name, value] of Object.entries(constants.signals)) {
    if (value === number) return name as NodeJS.Signals;
  }
  return undefined;
}
