/** Where an instance is in its life. */
export type Phase =
  | 'preparing'
  /** The server is down on purpose: fenced, without the lease, or without a primary to follow. */
  | 'waiting'
  | 'initialising'
  | 'joining'
  | 'rewinding'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped';

/** What moves it on. */
export type PhaseEvent =
  /** There is nothing to do with the data directory for now. */
  | 'parked'
  /** PGDATA is new: initdb and the first-boot SQL begin. */
  | 'first boot'
  /** PGDATA is empty: the copy of the primary begins. */
  | 'join begun'
  | 'rewind begun'
  /** The server process was started, or a running one taken over. */
  | 'server started'
  /** The server gave its first real answer. */
  | 'answered'
  | 'stop begun'
  | 'server ended';

const impossible = undefined;
/** Without a server everything may begin. */
const withoutServer = {
  parked: 'waiting',
  'first boot': 'initialising',
  'join begun': 'joining',
  'rewind begun': 'rewinding',
  'server started': 'starting',
  answered: impossible,
  'stop begun': impossible,
  'server ended': impossible,
} as const;
/** With one nothing else may, until it has ended. */
const withServer = {
  parked: impossible,
  'first boot': impossible,
  'join begun': impossible,
  'rewind begun': impossible,
  'server started': impossible,
  'stop begun': 'stopping',
  'server ended': 'stopped',
} as const;

/** Complete by type: every phase, every event; `undefined` marks what cannot happen and is refused. */
const transitions: Record<Phase, Record<PhaseEvent, Phase | undefined>> = {
  preparing: withoutServer,
  waiting: withoutServer,
  initialising: withoutServer,
  joining: withoutServer,
  rewinding: withoutServer,
  starting: { ...withServer, answered: 'running' },
  running: { ...withServer, answered: 'running' },
  // A server that is told to stop while it still recovers may answer once more.
  stopping: { ...withServer, answered: 'stopping' },
  stopped: { ...withoutServer, answered: 'stopped', 'stop begun': 'stopped', 'server ended': 'stopped' },
};

/** The phase after an event, or undefined when the event is refused in this phase. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase | undefined {
  return transitions[phase][event];
}
