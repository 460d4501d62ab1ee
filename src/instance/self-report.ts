import type { Observation } from '../alignment/observation.ts';

/** What this instance is doing and why it waits, for people and their programs. All of it is in memory. */
export interface SelfReport {
  readonly phase: string;
  readonly phaseSeconds: number;
  /** How far what this phase waits for has come; undefined: nobody can tell, or there is nothing to wait for. */
  readonly progress: string | undefined;
  /** The last decision; undefined before the first one. */
  readonly alignment:
    | {
        readonly state: string;
        readonly goal: string;
        readonly step: string | undefined;
        readonly why: string | undefined;
        readonly isRefused: boolean;
        readonly seconds: number;
      }
    | undefined;
  /** Steps that have failed and are still wanted, each with its attempts so far and the last error. */
  readonly failures: ReadonlyArray<{
    readonly step: string;
    readonly attempts: number;
    readonly error: string;
  }>;
}

export function reportOf(observation: Observation, now: number): SelfReport {
  const { phase, phaseSince, alignment, failures } = observation;
  return {
    phase,
    phaseSeconds: secondsSince(phaseSince, now),
    progress: progressOf(observation),
    alignment:
      alignment === undefined
        ? undefined
        : {
            state: alignment.state,
            goal: alignment.goal,
            step: alignment.step,
            why: alignment.why,
            isRefused: alignment.isRefused,
            seconds: secondsSince(alignment.since, now),
          },
    failures: Object.entries(failures).map(([step, { count, text }]) => ({
      step,
      attempts: count,
      error: text,
    })),
  };
}

/** The same in a line, for those who read only that there is no server. */
export function lineOf({ phase, progress, alignment, failures }: SelfReport): string {
  const { state, goal, step, why } = alignment ?? {};
  const failure = failures.find((one) => one.step === step);
  const parts = [
    progress === undefined ? `the instance is ${phase}` : `the instance is ${phase} (${progress})`,
    ...(state === undefined ? [] : [`${state}, goal ${goal}: ${step ?? why ?? 'nothing to do'}`]),
    ...(failure === undefined ? [] : [`failed ${failure.attempts} times, last: ${failure.error}`]),
  ];
  return parts.join('; ');
}

function progressOf({ phase, initStep, progress }: Observation): string | undefined {
  if (phase === 'initialising' || phase === 'joining') return initStep;
  return phase === 'starting' ? progress?.marker : undefined;
}

function secondsSince(time: number, now: number): number {
  return Math.round((now - time) / 1000);
}
