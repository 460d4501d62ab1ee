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
  /** Standbys that this primary serves, or the other standbys, in the order of their names. */
  readonly others: ReadonlyArray<{
    readonly name: string;
    readonly isPending: boolean;
    /** It has loaded the same configuration as this instance. */
    readonly isUpToDate: boolean;
  }>;
  readonly name: string;
}

export type RestartPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'now'; readonly why: string }
  | { readonly kind: 'wait'; readonly why: string }
  /** A person has to move the primary first. */
  | { readonly kind: 'person'; readonly why: string };

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
  const late = others.find((other) => other.isPending || !other.isUpToDate);
  if (late !== undefined) return { kind: 'wait', why: `standbys come first: ${late.name}` };
  return { kind: 'now', why: 'a parameter needs a restart' };
}

function planStandby({ isDecrease, isDecreaseReplayed, others, name }: RestartFacts): RestartPlan {
  if (isDecrease && !isDecreaseReplayed) {
    return { kind: 'wait', why: 'the primary has not been restarted with the smaller values yet' };
  }
  const earlier = others.find((other) => other.isPending && other.name < name);
  if (earlier !== undefined) return { kind: 'wait', why: `one standby at a time: ${earlier.name}` };
  return { kind: 'now', why: 'a parameter needs a restart' };
}
