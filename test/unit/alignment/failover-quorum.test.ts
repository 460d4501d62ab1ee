import { expect, test } from 'vitest';
import { quorumToAdvertise } from '../../../src/alignment/failover-quorum.ts';

const loaded = { method: 'ANY', number: 1, standbyNames: ['c-2', 'c-1', 'c-3'] } as const;

test('the primary is not among those that a failover may go to', () => {
  expect(quorumToAdvertise({ me: 'c-1', loaded, haveCaughtUp: true })).toEqual({
    method: 'ANY',
    standbyNames: ['c-2', 'c-3'],
    standbyNumber: 1,
    primary: 'c-1',
  });
});

test.each([
  ['commits wait for nobody', undefined, true],
  ['those that they wait for lack what was acknowledged before', loaded, false],
])('nothing is promised when %s', (_why, waitedFor, haveCaughtUp) => {
  expect(quorumToAdvertise({ me: 'c-1', loaded: waitedFor, haveCaughtUp })).toBeUndefined();
});
