/** What a line of a manager's log says to those who watch from outside. */
export interface ManagerLine {
  readonly text: string;
  /** Undefined: not a change of the alignment. */
  readonly alignment:
    | { readonly state: string; readonly goal: string; readonly step: string | undefined }
    | undefined;
  readonly isTrouble: boolean;
}

/**
 * Reads a line of a manager's log: its changes of alignment, which are the same as `manager.alignment` of /pg/status but
 * are told at the moment when they happen, and its warnings and errors. Undefined for everything else, the records of
 * the server above all.
 */
export function readManagerLine(line: string): ManagerLine | undefined {
  if (!line.includes('"logger":"instance-manager"')) return undefined;
  const record = parse(line);
  if (record === undefined) return undefined;
  const { msg, level, state, goal, step, error } = record;
  if (typeof msg !== 'string') return undefined;
  const isTrouble = level === 'error' || level === 'warning';
  if (typeof state === 'string' && typeof goal === 'string') {
    const named = typeof step === 'string' ? step : undefined;
    return { text: msg.replace(/^alignment: /, ''), alignment: { state, goal, step: named }, isTrouble };
  }
  if (!isTrouble) return undefined;
  const text = typeof error === 'string' ? `${msg}: ${error}` : msg;
  return { text, alignment: undefined, isTrouble };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
