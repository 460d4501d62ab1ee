/** Where an instance is in its life. */
export type Phase = 'preparing' | 'initialising' | 'starting' | 'running' | 'stopping' | 'stopped';

/** What moves it on. */
export type PhaseEvent =
  /** PGDATA is new: initdb and the first-boot SQL begin. */
  | 'first boot'
  /** The server process was started, or a running one taken over. */
  | 'server started'
  /** The server gave its first real answer. */
  | 'answered'
  | 'stop begun'
  | 'server ended';

const impossible = undefined;

/** Complete by type: every phase, every event; `undefined` marks what cannot happen and is refused. */
const transitions: Record<Phase, Record<PhaseEvent, Phase | undefined>> = {
  preparing: {
    'first boot': 'initialising',
    'server started': 'starting',
    answered: impossible,
    'stop begun': 'stopping',
    'server ended': impossible,
  },
  initialising: {
    'first boot': impossible,
    'server started': 'starting',
    answered: impossible,
    'stop begun': 'stopping',
    'server ended': impossible,
  },
  starting: {
    'first boot': impossible,
    'server started': impossible,
    answered: 'running',
    'stop begun': 'stopping',
    'server ended': 'stopped',
  },
  running: {
    'first boot': impossible,
    'server started': impossible,
    answered: 'running',
    'stop begun': 'stopping',
    'server ended': 'stopped',
  },
  stopping: {
    'first boot': impossible,
    'server started': impossible,
    // A server that is told to stop while it still recovers may answer once more.
    answered: 'stopping',
    'stop begun': 'stopping',
    'server ended': 'stopped',
  },
  stopped: {
    'first boot': impossible,
    'server started': impossible,
    answered: 'stopped',
    'stop begun': 'stopped',
    'server ended': 'stopped',
  },
};

/** The phase after an event, or undefined when the event is refused in this phase. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase | undefined {
  return transitions[phase][event];
}
