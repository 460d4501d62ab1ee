import { expect, test } from 'vitest';
import { type OperatedRestartFacts, planOperatedRestart } from '../../../src/alignment/operated-restart.ts';

const facts: OperatedRestartFacts = {
  isPrimary: true,
  isPending: true,
  isDecrease: false,
  strategy: 'unsupervised',
  instances: 3,
  isApplying: false,
};
const changed = { kind: 'tell', phase: 'applyingConfiguration', reason: 'PostgreSQL configuration changed' };

/** Contract 03, 3.15, row by row. */
test.each<[string, Partial<OperatedRestartFacts>, object]>([
  ['nothing waits', { isPending: false, isDecrease: false }, { kind: 'none' }],
  ['a primary makes a decrease itself', { isDecrease: true }, { kind: 'now' }],
  [
    'unless a person wants to be asked',
    { isDecrease: true, strategy: 'supervised' },
    { kind: 'tell', phase: 'waitingForUser', reason: 'User must issue a supervised switchover' },
  ],
  ['a primary leaves the word to its standbys', {}, { kind: 'none' }],
  ['but has it when it is alone', { instances: 1 }, changed],
  ['once', { instances: 1, isApplying: true }, { kind: 'none' }],
  ['a standby tells', { isPrimary: false }, changed],
  ['also of a decrease', { isPrimary: false, isDecrease: true, strategy: 'supervised' }, changed],
  ['and not again', { isPrimary: false, isApplying: true }, { kind: 'none' }],
])('%s', (_what, change, plan) => {
  expect(planOperatedRestart({ ...facts, ...change })).toMatchObject(plan);
});
