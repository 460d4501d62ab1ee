import { ManagerError } from '../errors/manager-error.ts';

/** What a step needs was not there, so that it has changed nothing: such as a primary that just restarts. */
export class NotBegunError extends Error {
  override readonly name = 'NotBegunError';
}

/** Whether a step that ended with this error has changed nothing, for want of a primary. */
export function isNotBegun(error: unknown): boolean {
  if (error instanceof NotBegunError) return true;
  return error instanceof ManagerError && error.code === 'PRIMARY_UNKNOWN';
}
