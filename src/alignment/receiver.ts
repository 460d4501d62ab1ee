import type { Observation } from './observation.ts';

/** Milliseconds in which a WAL receiver ends after it has told why, so that an answer of the server must be newer. */
const farewell = 100;

/**
 * Whether a standby is without the WAL receiver that it should have, so that it is to be helped to one. Not while this instance
 * may be about to lead: a receiver that begins anew would only keep it waiting.
 *
 * @param lostAt when the receiver said last that it has lost its source, by the clock of the observation
 */
export function lacksReceiver(observed: Observation, lostAt: number): boolean {
  const { phase, inRecovery, isReceiving, answeredAt, alignment } = observed;
  if (phase !== 'running' || inRecovery !== true) return false;
  if (alignment?.goal !== 'follow' || alignment.isRefused) return false;
  return isReceiving === false || (answeredAt ?? 0) < lostAt + farewell;
}
