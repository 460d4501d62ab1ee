import type { Happening } from '../alignment/happenings.ts';
import type { Observation } from '../alignment/observation.ts';
import type { PhaseEvent } from '../alignment/phase.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { Kinship } from '../postgres/kinship.ts';
import type { Libc } from '../process/libc.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Server } from './server.ts';
import type { ServerContext } from './server-context.ts';
import type { DesiredState, InstanceSettings } from './settings.ts';

/** What the steps learn of the WAL of this directory, until something makes it old. */
export interface Findings {
  /** Undefined: not compared yet. */
  kinship: Kinship | undefined;
  /** The promotion of this standby was asked for: from here on it counts as a primary. */
  isPromoting: boolean;
  /** On which timeline it was then. */
  promotedFrom: number;
  /** It was promoted, and yet writes to the timeline of before: nobody may take it for a primary. */
  isOnOldTimeline: boolean;
  /** What the log says of why a standby cannot go on; undefined: nothing. */
  trouble: string | undefined;
  /** Where this standby was when its source said that it no longer has the WAL that comes next; undefined: it has not. */
  strandedAt: string | undefined;
}

/** Of a process that has just begun. */
export function freshFindings(): Findings {
  return {
    kinship: undefined,
    isPromoting: false,
    promotedFrom: 0,
    isOnOldTimeline: false,
    trouble: undefined,
    strandedAt: undefined,
  };
}

/** What every step works with. */
export interface StepContext {
  readonly settings: InstanceSettings;
  readonly context: ServerContext;
  readonly server: Server;
  readonly view: ClusterView;
  readonly observation: Observation;
  readonly findings: Findings;
  readonly libc: Libc;
  readonly log: Logger;
  readonly desired: () => DesiredState;
  /**
   * Whether the lease is held at this very moment: this process may have been halted since the step was decided. It may be
   * halted right after it as well: the watchdog already knows of the primary that is about to be.
   */
  readonly mayLead: () => boolean;
  /** The same question about a server that is a primary already: the answer changes nothing. */
  readonly holdsLease: () => boolean;
  readonly transition: (event: PhaseEvent) => void;
  /** Right before a configuration is written that may make commits wait for others; see FailoverQuorum. */
  readonly denyFailover: (signal: AbortSignal) => Promise<void>;
  /** Tells people who look at the Cluster; without one that is looked at, nothing. */
  readonly tell: (happening: Happening) => void;
}

/** Carries out one step to its end. Rejects when it could not; everything done so far may be done again. */
export type Step = (context: StepContext, signal: AbortSignal) => Promise<void>;
