import { describe, expect, test } from 'vitest';
import { resolve, type World, whatIsMissing } from '../../../src/commands/demo/conditions.ts';
import { electionOrder, whyNoQuorum } from '../../../src/commands/demo/election.ts';
import type { InstanceFacts, StatusBody } from '../../../src/commands/demo/view.ts';

describe('the choice of another primary', () => {
  test('falls on who has received most, then replayed most, then on the first name', () => {
    const candidate = (name: string, receivedLsn?: string, replayLsn?: string) => ({
      name,
      receivedLsn,
      replayLsn,
    });
    const order = electionOrder([
      candidate('demo-10', '0/5000000', '0/5000000'),
      candidate('demo-2', '0/5000000', '0/5000000'),
      candidate('demo-3', '0/5000000', '0/4000000'),
      candidate('demo-4', '1/0', '0/1'),
      candidate('demo-5'),
    ]);
    expect(order.map(({ name }) => name)).toEqual(['demo-4', 'demo-2', 'demo-10', 'demo-3', 'demo-5']);
  });
  test('needs enough standbys for every commit to be on one of them', () => {
    const any = (number: number, ...standbyNames: string[]) => ({ number, standbyNames });
    expect(whyNoQuorum(undefined, [])).toBeUndefined();
    expect(whyNoQuorum(any(1, 'b', 'c'), ['b', 'c'])).toBeUndefined();
    expect(whyNoQuorum(any(1, 'b', 'c'), ['b'])).toContain('1 of b, c in reach');
    expect(whyNoQuorum(any(2, 'b', 'c'), ['b'])).toBeUndefined();
    expect(whyNoQuorum(any(1, 'b', 'c'), ['b', 'x'])).toContain('1 of b, c in reach');
  });
});

const streaming = (...names: string[]) =>
  names.map((applicationName) => ({ applicationName, state: 'streaming' }));

function instance(number: number, status: StatusBody, more: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    number,
    name: `demo-${number}`,
    port: 5430 + number,
    process: 'running',
    end: '',
    hasServer: true,
    report: { askedAt: 200, status, trouble: undefined, ready: true, reason: undefined },
    doing: undefined,
    ...more,
  };
}

const primary = instance(1, { isPrimary: true, replicationInfo: streaming('demo-2', 'demo-3') });
const standby = (number: number) => instance(number, { isPrimary: false });
const good: World = {
  now: 1000,
  since: 100,
  status: { currentPrimary: 'demo-1', targetPrimary: 'demo-1' },
  instances: [primary, standby(2), standby(3)],
  lastRow: { at: 150, by: 'demo-1' },
  rows: 10,
  waitingSince: 120,
};
const missing = (change: Partial<World>, kind: 'healthy' | 'primary' = 'healthy') =>
  whatIsMissing(kind === 'healthy' ? { kind } : { kind, target: 'primary' }, { ...good, ...change });

describe('health, as a script waits for it,', () => {
  test('is there when all are ready, stream, and a row was written', () => {
    expect(missing({})).toBeUndefined();
    expect(missing({}, 'primary')).toBeUndefined();
  });
  test.each<[string, Partial<World>, string]>([
    [
      'a switchover is on its way',
      { status: { currentPrimary: 'demo-1', targetPrimary: 'demo-2' } },
      'the target demo-2',
    ],
    ['there is no primary', { status: {} }, 'the Cluster has no primary'],
    ['no row was written since', { lastRow: { at: 90, by: 'demo-1' } }, 'has not acknowledged a row yet'],
    [
      'the last row is of another one',
      { lastRow: { at: 150, by: 'demo-2' } },
      'has not acknowledged a row yet',
    ],
    ['what is known is old', { since: 210 }, 'demo-1 has not answered as the primary yet'],
    [
      'one does not stream',
      {
        instances: [
          instance(1, { isPrimary: true, replicationInfo: streaming('demo-2') }),
          standby(2),
          standby(3),
        ],
      },
      'demo-3 does not stream from demo-1',
    ],
    [
      'one does not answer',
      { instances: [primary, standby(2), instance(3, {}, { report: undefined })] },
      'demo-3 has not been asked yet',
    ],
  ])('is not there when %s', (_, change, text) => {
    expect(missing(change)).toContain(text);
  });
});

describe('a script also waits', () => {
  test('for rows', () => {
    expect(whatIsMissing({ kind: 'rows', count: 10 }, good)).toBeUndefined();
    expect(whatIsMissing({ kind: 'rows', count: 11 }, good)).toBe('10 of 11 rows so far');
  });
  test('for none to come', () => {
    expect(whatIsMissing({ kind: 'silence', seconds: 0.8 }, good)).toBeUndefined();
    expect(whatIsMissing({ kind: 'silence', seconds: 0.9 }, good)).toBe('rows are still acknowledged');
    // The time before the wait began does not count.
    expect(whatIsMissing({ kind: 'silence', seconds: 0.9 }, { ...good, lastRow: undefined })).toBeDefined();
  });
  test('for a server to end', () => {
    const down = instance(2, {}, { hasServer: false });
    expect(
      whatIsMissing({ kind: 'down', target: 2 }, { ...good, instances: [primary, down] }),
    ).toBeUndefined();
    expect(whatIsMissing({ kind: 'down', target: 'primary' }, good)).toBe('the server of demo-1 runs');
  });
  test('and finds whom it means', () => {
    expect(resolve('primary', good)?.name).toBe('demo-1');
    expect(resolve(3, good)?.name).toBe('demo-3');
    expect(resolve('primary', { ...good, status: {} })).toBeUndefined();
  });
});
