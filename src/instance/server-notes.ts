import type { Observation } from '../alignment/observation.ts';
import { hindersReplay, trackError } from '../alignment/trackers.ts';
import { classifyRecoveryTrouble, type RecoveryTrouble } from '../postgres/recovery-trouble.ts';
import { now } from './deadline.ts';

/** How many messages are kept for the question why the server ended. */
const kept = 20;

/** Troubles that only a comparison with the source can explain. */
const astray: ReadonlySet<RecoveryTrouble> = new Set(['timeline forked', 'other system', 'ahead of source']);

/** Fields of a record of the server that are looked at here; names as in the log. */
export interface NotableRecord {
  readonly error_severity?: string | undefined;
  readonly sql_state_code?: string | undefined;
  readonly message?: string | undefined;
  readonly backend_type?: string | undefined;
}

/**
 * Why a standby cannot go on: its WAL and that of its source do not go together, the source no longer has what comes next,
 * or there is no connection to it.
 */
export type StandbyTrouble = 'astray' | 'stranded' | 'disconnected';

/** Remembers what the server said of its own troubles, from its log. */
export class ServerNotes {
  readonly #observation: Observation;
  readonly #onTrouble: (kind: StandbyTrouble, text: string) => void;
  #messages: string[] = [];

  /** @param onTrouble called when a standby says that it cannot go on */
  constructor(observation: Observation, onTrouble: (kind: StandbyTrouble, text: string) => void) {
    this.#observation = observation;
    this.#onTrouble = onTrouble;
  }

  /** The last messages that tell of trouble, oldest first. */
  get messages(): readonly string[] {
    return this.#messages;
  }

  /** A record of the server's log. */
  note(record: NotableRecord): void {
    const message = record.message ?? '';
    if (
      record.error_severity === 'FATAL' ||
      record.error_severity === 'PANIC' ||
      record.backend_type === 'postmaster'
    ) {
      this.noteText(message);
    }
    if (hindersReplay(record.backend_type ?? '', record.sql_state_code ?? '', message)) {
      this.#observation.replayError = trackError(this.#observation.replayError, message, now());
    }
    const trouble = classifyRecoveryTrouble(record.backend_type ?? '', record.sql_state_code ?? '', message);
    if (trouble === 'connection') this.#onTrouble('disconnected', message);
    else if (trouble === 'wal removed') this.#onTrouble('stranded', message);
    else if (trouble !== undefined && astray.has(trouble)) this.#onTrouble('astray', message);
  }

  /** A line that the server printed before its log was open. */
  noteText(line: string): void {
    this.#messages = [...this.#messages, line].slice(-kept);
  }
}
