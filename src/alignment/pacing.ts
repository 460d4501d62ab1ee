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
  /** What the step needs was not there, so that it changed nothing: such as a primary that just restarts. */
  readonly isTransient?: boolean;
  /** How many of the failures count against the number of attempts; undefined: all. */
  readonly spent?: number;
}

export type Failures = Readonly<Partial<Record<StepName, StepFailure>>>;

/** What becomes of a step that is wanted. */
export type Pace =
  | { readonly kind: 'go' }
  /** `why`: what went wrong the last time. */
  | { readonly kind: 'wait'; readonly until: number; readonly why: string }
  | { readonly kind: 'refuse'; readonly why: string };

/** Milliseconds before the second attempt; each further one waits twice as long, up to the longest. */
const firstPause = 250;
const longestPause = 15_000;
/**
 * A rewind is tried as often as the reference does (contract 04, 15.4): each attempt reads the source's whole list of files.
 * One that could not begin is no attempt: a primary that is away for some seconds must not leave a standby to a person.
 */
const attempts: Readonly<Partial<Record<StepName, number>>> = { rewind: 4 };

/** Nothing is repeated blindly: with growing pauses, and for some steps not for ever. */
export function paceStep(failures: Failures, step: StepName, now: number): Pace {
  const failure = failures[step];
  // A stop is never put off: it is what makes everything else safe.
  if (failure === undefined || step.startsWith('stop')) return { kind: 'go' };
  const { count, at, text, isFinal, spent = count } = failure;
  if (isFinal) return { kind: 'refuse', why: text };
  if (spent >= (attempts[step] ?? Number.POSITIVE_INFINITY)) {
    return { kind: 'refuse', why: `failed ${spent} times, last: ${text}` };
  }
  const until = at + Math.min(firstPause * 2 ** (count - 1), longestPause);
  return now >= until ? { kind: 'go' } : { kind: 'wait', until, why: text };
}

/** The failures after one more. */
export function noteFailure(
  failures: Failures,
  step: StepName,
  failure: Omit<StepFailure, 'count' | 'spent'>,
): Failures {
  const { count = 0, spent = count } = failures[step] ?? {};
  const next = { ...failure, count: count + 1, spent: failure.isTransient === true ? spent : spent + 1 };
  return { ...failures, [step]: next };
}

/** The failures after the step has succeeded. */
export function forgetFailure(failures: Failures, step: StepName): Failures {
  const { [step]: _forgotten, ...rest } = failures;
  return rest;
}
