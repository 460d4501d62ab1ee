import type { StepFailure } from '../alignment/pacing.ts';
import type { StepName } from '../alignment/step-name.ts';
import type { StopEvent } from '../alignment/stop-plan.ts';
import { ManagerError, messageOf } from '../errors/manager-error.ts';
import type { Step } from './step-context.ts';

/** Errors of steps that no further attempt would change. */
const finalCodes: ReadonlySet<string> = new Set([
  'REWIND_IMPOSSIBLE',
  'REWIND_NEEDS_WAL',
  'RECLONE_IMPOSSIBLE',
  'USER_WITHOUT_NAME',
]);

/** Errors of steps that could not do their work for want of the primary: they do not count against the attempts. */
const transientCodes: ReadonlySet<string> = new Set(['PRIMARY_UNKNOWN', 'PRIMARY_UNREACHABLE']);

/** What a failed step is remembered by (src/alignment/pacing.ts). */
export function failureOf(error: unknown): Omit<StepFailure, 'count' | 'spent' | 'at'> {
  const code = error instanceof ManagerError ? error.code : '';
  return { text: messageOf(error), isFinal: finalCodes.has(code), isTransient: transientCodes.has(code) };
}

export const stopEvents = {
  'stop in order': 'stop requested',
  'stop fast': 'hand over',
  'stop at once': 'isolation',
} as const satisfies Partial<Record<StepName, StopEvent>>;

export type WorkStep = Exclude<StepName, keyof typeof stopEvents>;

/** Each is loaded when it is needed: an instance that is alone never needs most of them. */
export const steps: Readonly<Record<WorkStep, () => Promise<Step>>> = {
  initialise: async () => (await import('./steps/initialise.ts')).initialise,
  join: async () => (await import('./steps/join.ts')).join,
  start: async () => (await import('./steps/start.ts')).start,
  promote: async () => (await import('./steps/promote.ts')).promote,
  announce: async () => (await import('./steps/announce.ts')).announce,
  compare: async () => (await import('./steps/compare.ts')).compare,
  rewind: async () => (await import('./steps/rewind.ts')).rewind,
  'turn standby': async () => (await import('./steps/turn-standby.ts')).turnStandby,
  'set aside': async () => (await import('./steps/set-aside.ts')).setAside,
  'point to the primary': async () => (await import('./steps/turn-standby.ts')).pointToPrimary,
};

/** Milliseconds that a step may take; those not named have their own measure (initdb, copies, promotionTimeout). */
export const deadlines: Readonly<Partial<Record<WorkStep, number>>> = {
  start: 60_000,
  announce: 30_000,
  compare: 30_000,
  'turn standby': 30_000,
  'set aside': 30_000,
  'point to the primary': 30_000,
};
/** Called off when they are no longer wanted; the others are let go to their end, as is a rewind that has begun to write. */
export const revocable: ReadonlySet<StepName> = new Set(['initialise', 'join', 'compare', 'rewind']);
/** A failure of these ends the process, which then says why: somebody has to look. */
export const fatal: ReadonlySet<StepName> = new Set(['initialise', 'start']);

export function isStop(step: StepName): step is keyof typeof stopEvents {
  return step in stopEvents;
}
