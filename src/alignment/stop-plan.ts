/**
 * How a running server is brought down: which mode begins, and what each later event turns it into.
 * Modes are those of the postmaster (manual page of postgres, "Shutting down the server"), plus the last resort.
 */

export type StopMode = 'smart' | 'fast' | 'immediate' | 'kill';

/** What can ask for a stop or push one that is under way. */
export type StopEvent =
  /** TERM or INT: an ordered stop; again: the next harder mode. */
  | 'stop requested'
  /** QUIT: as fast as the server can, recovery at the next start. */
  | 'immediate stop requested'
  /** The server is to come back with other parameters: as ordered as a stop for good. */
  | 'restart'
  /** A part of the manager failed: ordered, but without waiting for anybody's session. */
  | 'fault'
  /** Another instance is to be the primary, or a person fences this one: nobody's session is waited for either. */
  | 'hand over'
  /** The time of the lease is over: another instance may begin at any moment. */
  | 'isolation'
  /** The time of the present mode is over. */
  | 'deadline';

export interface StopPolicy {
  /** Seconds that sessions get to end by themselves; 0: none (spec.smartShutdownTimeout). */
  readonly smartSeconds: number;
  /** Seconds for the fast mode (spec.stopDelay). */
  readonly fastSeconds: number;
  /** Seconds for the immediate mode, after which the server is killed. */
  readonly immediateSeconds: number;
}

const harder: Record<StopMode, StopMode> = {
  smart: 'fast',
  fast: 'immediate',
  immediate: 'kill',
  kill: 'kill',
};
const hardness: Record<StopMode, number> = { smart: 0, fast: 1, immediate: 2, kill: 3 };

/**
 * The mode after an event; never a softer one than before. Only a deadline leads to `kill`: no number of signals
 * from a person or a container engine kills a server that is still within its time.
 */
export function nextStopMode(current: StopMode | undefined, event: StopEvent, policy: StopPolicy): StopMode {
  if (current === undefined) return firstStopMode(event, policy);
  const wanted = wantedMode(current, event);
  return hardness[wanted] > hardness[current] ? wanted : current;
}

/**
 * The event whose patience holds after one more: that of the first, which nobody else can lengthen, until the time of the
 * lease is over. From then on another instance may begin, whatever this stop was begun for.
 */
export function governingEvent(before: StopEvent | undefined, event: StopEvent): StopEvent {
  return before === undefined || event === 'isolation' ? event : before;
}

/**
 * Milliseconds that the checkpoint before the signal may take. It is there to make the shutdown's own short, after which
 * another one leads sooner: in 30 s it has written several gigabytes, and what a disk cannot write in that time the one
 * of the shutdown writes. Who is asked to make room for another has no longer; an ordered stop has the time of its mode.
 */
export function checkpointPatience(event: StopEvent): number {
  return event === 'hand over' ? 30_000 : Number.POSITIVE_INFINITY;
}

/** Milliseconds that a mode may take. */
export function stopDeadline(mode: StopMode, policy: StopPolicy): number {
  const seconds: Record<StopMode, number> = {
    smart: policy.smartSeconds,
    fast: policy.fastSeconds,
    immediate: policy.immediateSeconds,
    kill: policy.immediateSeconds,
  };
  return seconds[mode] * 1000;
}

/** Contract 04, 12.2: the smart phase is skipped when it would take the whole time that there is. */
function firstStopMode(event: StopEvent, policy: StopPolicy): StopMode {
  if (event === 'immediate stop requested' || event === 'isolation') return 'immediate';
  if (event === 'fault' || event === 'hand over') return 'fast';
  return policy.smartSeconds > 0 && policy.fastSeconds > policy.smartSeconds ? 'smart' : 'fast';
}

function wantedMode(current: StopMode, event: StopEvent): StopMode {
  switch (event) {
    case 'deadline':
      return harder[current];
    case 'restart':
      return current;
    case 'stop requested':
      return current === 'immediate' ? 'immediate' : harder[current];
    case 'immediate stop requested':
    case 'isolation':
      return 'immediate';
    case 'fault':
    case 'hand over':
      return 'fast';
  }
}
