import type { RestartPlan } from './restart-plan.ts';

/** What is known of parameters that wait for a restart where an operator looks after the Cluster. */
export interface OperatedRestartFacts {
  readonly isPrimary: boolean;
  readonly isPending: boolean;
  /** See RestartFacts. */
  readonly isDecrease: boolean;
  readonly strategy: 'unsupervised' | 'supervised';
  /** spec.instances. */
  readonly instances: number;
  /** The operator has been told already, or is at it. */
  readonly isApplying: boolean;
}

/** What the operator is woken with; what it acts on is the status of the instances. */
export interface PhaseWord {
  readonly phase: 'applyingConfiguration' | 'waitingForUser';
  readonly reason: string;
}

export type OperatedRestart = RestartPlan | ({ readonly kind: 'tell' } & PhaseWord);

/** Told to the operator when a primary has restarted by itself. */
export const decreaseDone: PhaseWord = {
  phase: 'applyingConfiguration',
  reason: 'Decrease of hot standby sensitive parameters',
};

const changed: OperatedRestart = {
  kind: 'tell',
  phase: 'applyingConfiguration',
  reason: 'PostgreSQL configuration changed',
};

/**
 * Who does what after a reload (contract 03, 3.15): a decrease that standbys wait for is the primary's own business, everything
 * else the operator's, whom a standby tells of it; a primary only when it is alone.
 */
export function planOperatedRestart(facts: OperatedRestartFacts): OperatedRestart {
  const { isPrimary, isPending, isDecrease, strategy, instances, isApplying } = facts;
  if (!isPending) return { kind: 'none' };
  if (isPrimary && isDecrease) {
    if (strategy === 'unsupervised') {
      return { kind: 'now', why: 'a parameter that standbys depend on becomes smaller' };
    }
    return { kind: 'tell', phase: 'waitingForUser', reason: 'User must issue a supervised switchover' };
  }
  const isMine = !isPrimary || instances === 1;
  return isMine && !isApplying ? changed : { kind: 'none' };
}
