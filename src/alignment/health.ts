import type { Observation } from './observation.ts';

/** One reason for a "no": a stable code for machines, a line for people. */
export interface Reason {
  readonly code:
    | 'LOOP_STALLED'
    | 'ISOLATED'
    | 'NO_PROGRESS'
    | 'NOT_STARTED'
    | 'NOT_RUNNING'
    | 'NO_ANSWER'
    | 'NO_NEW_SESSIONS'
    | 'REPLAY_STALLED'
    | 'DISK_FULL'
    | 'WRITE_PATH_STALLED';
  readonly text: string;
}

/** A "no" always has at least one reason; a "yes" has none. */
export interface Health {
  readonly ok: boolean;
  readonly reasons: readonly Reason[];
}

/** Milliseconds, each with the reason for its value. */
export const healthLimits = {
  /** The loop beats once a second; ten missed beats are no hiccup. Under the 30 s after which a kubelet acts. */
  loopBeat: 10_000,
  /** Others are asked every 2 s while the lease cannot be renewed; three times in vain, or the API has answered again. */
  isolation: 6_000,
  /** Readiness promises an answer of the last second. */
  answer: 1_000,
  /**
   * New sessions are tried every 5 s: each costs the server a process. A postmaster that hangs while the sessions it
   * has go on is found after two tries in vain.
   */
  newSession: 12_000,
  /** A recovery that does not move for this long is stuck: a large segment replays in seconds even on slow disks. */
  startProgress: 300_000,
  /** Replay counts as stalled when it stood still for as long as several retries of the server take (5 s each). */
  replayProgress: 15_000,
  /** A commit that waits longer for its WAL sits on storage that no longer answers. */
  writePath: 10_000,
} as const;

/** How often the same error must come before it is more than an episode. */
const repeatedOften = 3;

/**
 * Whether the supervising loop is alive: goes round, and no step has outlived its deadline; and whether a primary has anybody
 * left to talk to (contract 02, 5.2). Never depends on PostgreSQL or the disk.
 */
export function judgeLiveness({ loopBeatAt, isolatedAt }: Observation, now: number): Health {
  const age = now - loopBeatAt;
  const isIsolated = isolatedAt !== undefined && now - isolatedAt <= healthLimits.isolation;
  return verdict([
    ...(age <= healthLimits.loopBeat
      ? []
      : ([
          { code: 'LOOP_STALLED', text: `the supervising loop has not gone round for ${seconds(age)}` },
        ] as const)),
    ...(isIsolated
      ? ([
          { code: 'ISOLATED', text: 'this primary reaches neither the Kubernetes API nor another instance' },
        ] as const)
      : []),
  ]);
}

/** Whether the start is over or at least moves: judged by progress, not by a clock. */
export function judgeStartup(observed: Observation, now: number): Health {
  switch (observed.phase) {
    case 'preparing':
      return verdict([{ code: 'NOT_STARTED', text: observed.initStep ?? 'the server is being prepared' }]);
    case 'initialising':
      return verdict([
        { code: 'NOT_STARTED', text: `a new database is made: ${observed.initStep ?? 'initdb'}` },
      ]);
    case 'joining':
      return verdict([
        { code: 'NOT_STARTED', text: `the primary is being copied: ${observed.initStep ?? 'base backup'}` },
      ]);
    case 'waiting':
      return judgeWaiting(observed);
    // A rewind takes as long as it takes; a restart would have to begin it anew (contract 02, 5.4).
    case 'rewinding':
      return verdict([]);
    case 'starting':
      return verdict(startProgressReasons(observed, now));
    case 'running':
    case 'stopping':
      return verdict([]);
    case 'stopped':
      return verdict([{ code: 'NOT_RUNNING', text: 'the server has ended' }]);
  }
}

/** Whether clients should be sent here: a real answer a moment ago, and nothing known that makes answers useless. */
export function judgeReadiness(observed: Observation, now: number): Health {
  if (observed.phase !== 'running') {
    const startup = judgeStartup(observed, now);
    if (!startup.ok) return startup;
    const detail = observed.refusal === undefined ? '' : `: ${observed.refusal.text}`;
    return verdict([{ code: 'NOT_RUNNING', text: `${unready(observed)}${detail}` }]);
  }
  return verdict([
    ...answerReasons(observed, now),
    ...newSessionReasons(observed, now),
    ...replayReasons(observed, now),
    ...diskReasons(observed),
    ...writePathReasons(observed, now),
  ]);
}

/** A fenced server is down because a person wants it so; one that waits for others has not started yet. */
function judgeWaiting({ alignment }: Observation): Health {
  if (alignment?.goal === 'fence') return verdict([]);
  const why = alignment?.why ?? 'the server is down on purpose';
  return verdict([{ code: 'NOT_STARTED', text: why }]);
}

function unready({ phase, alignment }: Observation): string {
  switch (phase) {
    case 'stopping':
      return 'the server is stopping';
    case 'waiting':
      return alignment?.why ?? 'the server is down on purpose';
    case 'rewinding':
      return 'the data directory is being rewound to the history of the primary';
    default:
      return 'the server is starting';
  }
}

function startProgressReasons({ progress, phaseSince, refusal }: Observation, now: number): Reason[] {
  const standsSince = Math.max(progress?.since ?? phaseSince, phaseSince);
  if (now - standsSince <= healthLimits.startProgress) return [];
  const at = progress === undefined ? '' : ` at ${progress.marker}`;
  const why = refusal === undefined ? '' : ` (${refusal.text})`;
  return [
    { code: 'NO_PROGRESS', text: `recovery has not moved for ${seconds(now - standsSince)}${at}${why}` },
  ];
}

function answerReasons({ answeredAt, refusal }: Observation, now: number): Reason[] {
  if (answeredAt !== undefined && now - answeredAt <= healthLimits.answer) return [];
  const age = answeredAt === undefined ? 'yet' : `for ${seconds(now - answeredAt)}`;
  const why = refusal === undefined ? '' : `: ${refusal.text}`;
  return [{ code: 'NO_ANSWER', text: `the server has not answered ${age}${why}` }];
}

function newSessionReasons({ acceptedAt, refusal }: Observation, now: number): Reason[] {
  if (acceptedAt === undefined || now - acceptedAt <= healthLimits.newSession) return [];
  const why = refusal === undefined ? '' : `: ${refusal.text}`;
  return [{ code: 'NO_NEW_SESSIONS', text: `no new session for ${seconds(now - acceptedAt)}${why}` }];
}

function replayReasons({ inRecovery, progress, replayError }: Observation, now: number): Reason[] {
  if (inRecovery !== true || progress === undefined || replayError === undefined) return [];
  const stands = now - progress.since;
  const errorIsRecent = now - replayError.lastAt <= 2 * healthLimits.replayProgress;
  if (stands < healthLimits.replayProgress || replayError.count < repeatedOften || !errorIsRecent) return [];
  return [
    {
      code: 'REPLAY_STALLED',
      text: `replay stands at ${progress.marker} for ${seconds(stands)}, ${replayError.count} times: ${replayError.text}`,
    },
  ];
}

function diskReasons({ disk }: Observation): Reason[] {
  if (disk === undefined) return [];
  const reasons: Reason[] = [];
  if (disk.walFree < disk.walSegment) {
    const slots = disk.heldBySlots ? `, ${bytes(disk.heldBySlots)} held by slots` : '';
    const archive = disk.archiveBacklog > 0 ? `, ${disk.archiveBacklog} segments wait for the archive` : '';
    reasons.push({ code: 'DISK_FULL', text: `${bytes(disk.walFree)} left for WAL${slots}${archive}` });
  } else if (disk.dataFree < disk.walSegment) {
    reasons.push({ code: 'DISK_FULL', text: `${bytes(disk.dataFree)} left in the data directory` });
  }
  return reasons;
}

function writePathReasons({ writePath }: Observation, now: number): Reason[] {
  if (writePath?.stalledSince === undefined) return [];
  const age = now - writePath.stalledSince;
  if (age < healthLimits.writePath) return [];
  const text = `WAL is not written for ${seconds(age)}: ${writePath.waiting} sessions wait at ${writePath.flushed}`;
  return [{ code: 'WRITE_PATH_STALLED', text }];
}

function verdict(reasons: readonly Reason[]): Health {
  return { ok: reasons.length === 0, reasons };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function bytes(count: number): string {
  return count >= 1024 * 1024 ? `${(count / 1024 / 1024).toFixed(1)} MiB` : `${count} bytes`;
}
