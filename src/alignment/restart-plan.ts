/**
 * Milliseconds: a standby that has been away for as long is not coming back from a restart, and holds up nobody. A stop and
 * a start with some WAL to replay take less.
 */
export const lostAfter = 60_000;

/** What is known when a change of the configuration needs a restart. */
export interface RestartFacts {
  readonly isPrimary: boolean;
  /** A parameter in the files differs from the running one and needs a restart. */
  readonly isPending: boolean;
  /** One of those that a standby may not have less of than its primary is to become smaller (contract 03, 3.16). */
  readonly isDecrease: boolean;
  /** Our control file already has the smaller values: the primary has been restarted, and its WAL says so. */
  readonly isDecreaseReplayed: boolean;
  readonly strategy: 'unsupervised' | 'supervised';
  /** The standbys besides this instance. */
  readonly others: ReadonlyArray<{
    readonly name: string;
    readonly isPending: boolean;
    /** It has loaded the same configuration as this instance. */
    readonly isUpToDate: boolean;
    /** Milliseconds for which it has been seen not to stream from the primary; undefined: it does. */
    readonly awayFor: number | undefined;
  }>;
  readonly name: string;
}

export type RestartPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'now'; readonly why: string }
  | { readonly kind: 'wait'; readonly why: string }
  /** A person has to move the primary first. */
  | { readonly kind: 'person'; readonly why: string };

/** What may stand in the way of any restart, whoever wants it. */
export interface RestartHindrances {
  /** Of the decision of the moment; undefined: there was none yet. */
  readonly goal: string | undefined;
  readonly step: string | undefined;
  readonly isRunning: boolean;
  /** Nobody is about to take the place of the primary. */
  readonly isPrimarySettled: boolean;
  /** The server runs with what the files say. */
  readonly isConfigurationLoaded: boolean;
}

/**
 * Why no restart is begun at this moment; undefined: nothing speaks against it. A change of the role comes first, and what a
 * running server refuses to load would keep the next one from starting (PostgreSQL manual, Setting Parameters).
 */
export function restartHindrance(facts: RestartHindrances): RestartPlan | undefined {
  const isSettled = (facts.goal === 'reign' || facts.goal === 'follow') && facts.step === undefined;
  if (!isSettled || !facts.isRunning || !facts.isPrimarySettled) {
    return { kind: 'wait', why: 'the role of this instance is not settled' };
  }
  if (facts.isConfigurationLoaded) return undefined;
  return { kind: 'wait', why: 'the server has not loaded its configuration' };
}

/**
 * Who restarts when, so that no standby is ever asked to run with less than its primary has: a decrease begins with the
 * primary and reaches a standby through the WAL, everything else begins with the standbys, one at a time.
 */
export function planRestart(facts: RestartFacts): RestartPlan {
  if (!facts.isPending) return { kind: 'none' };
  return facts.isPrimary ? planPrimary(facts) : planStandby(facts);
}

function planPrimary({ isDecrease, strategy, others }: RestartFacts): RestartPlan {
  if (strategy === 'supervised') {
    return {
      kind: 'person',
      why: 'primaryUpdateStrategy is supervised: switch over, or restart it yourself',
    };
  }
  if (isDecrease) return { kind: 'now', why: 'a parameter that standbys depend on becomes smaller' };
  const late = present(others).find((other) => isLate(other) || isAway(other));
  if (late !== undefined) return { kind: 'wait', why: `standbys come first: ${late.name}` };
  return { kind: 'now', why: 'a parameter needs a restart' };
}

function planStandby({ isDecrease, isDecreaseReplayed, others, name }: RestartFacts): RestartPlan {
  if (isDecrease && !isDecreaseReplayed) {
    return { kind: 'wait', why: 'the primary has not been restarted with the smaller values yet' };
  }
  const before = present(others).find((other) => isAway(other) || (isLate(other) && other.name < name));
  if (before !== undefined) return { kind: 'wait', why: `one standby at a time: ${before.name}` };
  return { kind: 'now', why: 'a parameter needs a restart' };
}

type Other = RestartFacts['others'][number];

/** Without those that are lost: what they said last says nothing. */
function present(others: readonly Other[]): Other[] {
  return others.filter(({ awayFor }) => awayFor === undefined || awayFor < lostAfter);
}

/** It is to restart, or has not said yet whether it is to. */
function isLate({ isPending, isUpToDate }: Other): boolean {
  return isPending || !isUpToDate;
}

/** It may be restarting at this moment. */
function isAway({ awayFor }: Other): boolean {
  return awayFor !== undefined;
}
