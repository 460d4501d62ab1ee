import type { StepName } from './step-name.ts';

/** Something that people may want to hear of who look at the Cluster, and not at a log (contract 03, 5). */
export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** One word in camel case, by which people filter. */
  readonly reason: string;
  /** What happened, and what can be done about it where something can. */
  readonly message: string;
}

/** Steps of which a success is worth a word; the others are means to an end. */
const done: Readonly<Partial<Record<StepName, readonly [reason: string, message: string]>>> = {
  initialise: ['DatabaseInitialised', 'has made a new database'],
  join: ['PrimaryCopied', 'has copied the primary'],
  promote: ['Promoted', 'has been promoted and takes writes'],
  rewind: ['Rewound', 'has taken back the WAL that the primary does not have'],
  'turn standby': ['BecameStandby', 'was the primary and is a standby now'],
  'set aside': ['DataPutAside', 'has put its data aside, for a new copy of the primary'],
};

/** What is to be told when a step has been carried out; undefined: nothing. */
export function happeningOf(instance: string, step: StepName): Happening | undefined {
  const known = done[step];
  return known && { type: 'Normal', reason: known[0], message: `${instance} ${known[1]}` };
}

/** A step has failed; it will be tried again unless it is refused then. */
export function failureHappening(instance: string, step: StepName, text: string): Happening {
  return { type: 'Warning', reason: 'StepFailed', message: `${instance}: ${step} has failed: ${text}` };
}

/** Nothing will be done until somebody changes something. */
export function refusalHappening(instance: string, why: string): Happening {
  return { type: 'Warning', reason: 'NeedsAttention', message: `${instance} waits for a person: ${why}` };
}

/** A primary was stopped since it could not show that nobody else leads. */
export function isolationHappening(instance: string): Happening {
  const message = `${instance} has stopped its server at once: the lease of the primary could not be renewed in time`;
  return { type: 'Warning', reason: 'LeaseLost', message };
}

/** What a Secret holds cannot be used; what it held before stays in force. */
export function secretHappening(instance: string, trouble: string): Happening {
  return { type: 'Warning', reason: 'SecretUnreadable', message: `${instance}: ${trouble}` };
}
