import { healthLimits } from './health.ts';
import type { Observation } from './observation.ts';
import { hangingSince } from './trackers.ts';

/**
 * Milliseconds without any sign of life after which a running server is no longer vouched for: the renewal of the lease
 * ends, and with it the reign. Longer than what an overloaded server needs to answer, since the end of it is a stop.
 */
export const fitnessPatience = 30_000;

/**
 * Whether others may go on relying on this instance as the primary: its loop runs, and its server, if there is one, takes
 * sessions and gets its WAL to the disk. How long a start or a stop takes is judged by those who wait for it; but one of
 * which nothing at all is heard may hang, and then the lease must not keep everybody else from leading. A server whose
 * storage has gone away goes on refusing sessions for as long as it is told to wait: so a stop must also get somewhere.
 */
export function isFitToLead(observed: Observation, now: number): boolean {
  if (now - observed.loopBeatAt > healthLimits.loopBeat) return false;
  const { phase, answeredAt, acceptedAt, writePath, phaseSince } = observed;
  const isRecent = (at: number | undefined) =>
    now - Math.max(at ?? phaseSince, phaseSince) <= fitnessPatience;
  const isHeard = isRecent(observed.refusedAt) || isRecent(answeredAt);
  if (phase === 'starting') return isHeard;
  if (phase === 'stopping') {
    const hangs = hangingSince(observed);
    return isHeard && (hangs === undefined || isRecent(hangs));
  }
  if (phase !== 'running') return true;
  const stalledSince = writePath?.stalledSince;
  return (
    isRecent(answeredAt) && isRecent(acceptedAt) && (stalledSince === undefined || isRecent(stalledSince))
  );
}
