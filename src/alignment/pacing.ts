import type { StepName } from './step-name.ts';

/** A step that has failed, until it succeeds or what it depended on has changed. */
export interface StepFailure {
  readonly count: number;
  /** When it failed last. */
  readonly at: number;
  /** What went wrong, for people. */
  readonly text: string;
  /** Trying again would not help, whatever time passes. */
  readonly isFinal: boolean;
}

export type Failures = Readonly<Partial<Record<StepName, StepFailure>>>;

/** What becomes of a step that is wanted. */
export type Pace =
  | { readonly kind: 'go' }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'refuse'; readonly why: string };

/** Milliseconds before the second attempt; each further one waits twice as long, up to the longest. */
const firstPause = 250;
const longestPause = 15_000;
/** A rewind is tried as often as the reference does (contract 04, 15.4): each attempt reads the source's whole list of files. */
const attempts: Readonly<Partial<Record<StepName, number>>> = { rewind: 4 };

/** Nothing is repeated blindly: with growing pauses, and for some steps not for ever. */
export function paceStep(failures: Failures, step: StepName, now: number): Pace {
  const failure = failures[step];
  // A stop is never put off: it is what makes everything else safe.
  if (failure === undefined || step.startsWith('stop')) return { kind: 'go' };
  const { count, at, text, isFinal } = failure;
  if (isFinal) return { kind: 'refuse', why: text };
  if (count >= (attempts[step] ?? Number.POSITIVE_INFINITY)) {
    return { kind: 'refuse', why: `failed ${count} times, last: ${text}` };
  }
  const until = at + Math.min(firstPause * 2 ** (count - 1), longestPause);
  return now >= until ? { kind: 'go' } : { kind: 'wait', until };
}

/** The failures after one more. */
export function noteFailure(
  failures: Failures,
  step: StepName,
  failure: Omit<StepFailure, 'count'>,
): Failures {
  return { ...failures, [step]: { ...failure, count: (failures[step]?.count ?? 0) + 1 } };
}

/** The failures after the step has succeeded. */
export function forgetFailure(failures: Failures, step: StepName): Failures {
  const { [step]: _forgotten, ...rest } = failures;
  return rest;
}
