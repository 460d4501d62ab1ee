import type { Failures } from './pacing.ts';
import type { Phase } from './phase.ts';

/**
 * What is known of this instance, kept up to date by src/instance and read by the decisions in this directory.
 * Times are milliseconds of one monotonic clock.
 */
export interface Observation {
  phase: Phase;
  phaseSince: number;
  /** Last time the supervising loop went round, and no step was overdue. */
  loopBeatAt: number;
  /** Last time that neither the store of the lease nor any other instance could be reached; undefined: never. */
  isolatedAt: number | undefined;
  /** What the initialisation is doing. */
  initStep: string | undefined;
  /** Last time the server answered a query or asked for a password: proof that it takes connections. */
  answeredAt: number | undefined;
  /** Last time a new session was begun with success, or refused for want of room. */
  acceptedAt: number | undefined;
  /** Last time the postmaster itself turned a session away, as one does that starts, stops or is full. */
  refusedAt: number | undefined;
  /** The last thing that was not such an answer. */
  refusal: Refusal | undefined;
  /** Undefined until the server was asked. */
  inRecovery: boolean | undefined;
  /** Whether a WAL receiver brings WAL from another instance; undefined until the server was asked. */
  isReceiving: boolean | undefined;
  /** How far the WAL goes that a standby has received or replayed; empty: not known. */
  received: string;
  /** Names of the standbys that stream from this primary at this moment. */
  streaming: readonly string[];
  /** The server is being restarted in place: its absence was asked for. */
  isRestarting: boolean;
  /** What was decided last. */
  alignment: Alignment | undefined;
  /** Steps that have failed and are not given up: how often, and with what. */
  failures: Failures;
  /** How far the start or the replay has come. */
  progress: Progress | undefined;
  /** The error that replay keeps meeting. */
  replayError: RepeatedError | undefined;
  disk: DiskSpace | undefined;
  writePath: WritePath | undefined;
  /** Processes of a server that is being stopped which act on no signal, by their numbers; see trackHangs. */
  hangs: ReadonlyMap<number, Progress>;
}

/** The last decision, for probes and people; see decide.ts. */
export interface Alignment {
  readonly state: string;
  readonly goal: string;
  /** The step that is being carried out. */
  readonly step: string | undefined;
  readonly why: string | undefined;
  readonly isRefused: boolean;
  /** Since when state, goal, step and reason have been these. */
  readonly since: number;
}

export interface Refusal {
  readonly at: number;
  readonly text: string;
}

/** Any text that changes when recovery moves, and since when it has been the same. */
export interface Progress {
  readonly marker: string;
  readonly since: number;
}

export interface RepeatedError {
  readonly text: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Bytes, but for the count of segments. */
export interface DiskSpace {
  /** Free for this user where pg_wal lies. */
  readonly walFree: number;
  /** Free for this user where PGDATA lies. */
  readonly dataFree: number;
  readonly walSegment: number;
  /** WAL kept for the slot that is furthest behind; undefined until asked. */
  readonly heldBySlots: number | undefined;
  /** Segments that wait for archive_command. */
  readonly archiveBacklog: number;
}

/** Whether WAL that sessions wait for reaches the disk. */
export interface WritePath {
  /** Position up to which WAL is known to be on disk. */
  readonly flushed: string;
  /** Sessions that wait for WAL to be written or synced at this moment. */
  readonly waiting: number;
  /** Since when `flushed` has been the same while somebody was waiting; undefined when all is well. */
  readonly stalledSince: number | undefined;
}

/** Forgets what was true of a server that has ended. */
export function forgetServer(observed: Observation): void {
  observed.answeredAt = undefined;
  observed.acceptedAt = undefined;
  observed.refusedAt = undefined;
  observed.refusal = undefined;
  observed.inRecovery = undefined;
  observed.isReceiving = undefined;
  observed.received = '';
  observed.streaming = [];
  observed.progress = undefined;
  observed.replayError = undefined;
  observed.writePath = undefined;
  observed.hangs = new Map();
}

/** An observation of a process that has just begun. */
export function freshObservation(now: number): Observation {
  return {
    phase: 'preparing',
    phaseSince: now,
    loopBeatAt: now,
    isolatedAt: undefined,
    initStep: undefined,
    answeredAt: undefined,
    acceptedAt: undefined,
    refusedAt: undefined,
    refusal: undefined,
    inRecovery: undefined,
    isReceiving: undefined,
    received: '',
    streaming: [],
    isRestarting: false,
    alignment: undefined,
    failures: {},
    progress: undefined,
    replayError: undefined,
    disk: undefined,
    writePath: undefined,
    hangs: new Map(),
  };
}
