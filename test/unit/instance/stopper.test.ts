import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StopEvent, StopPolicy } from '../../../src/alignment/stop-plan.ts';
import type { Postmaster } from '../../../src/instance/postmaster.ts';
import { Stopper } from '../../../src/instance/stopper.ts';
import type { ChildExit } from '../../../src/process/exit-status.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** The defaults of a Cluster (contract 03, 3.11), and 60 % of what lies between renewDeadline and duration. */
function policyFor(event: StopEvent): StopPolicy {
  return {
    smartSeconds: 180,
    fastSeconds: event === 'hand over' ? 3_600 : 1_800,
    immediateSeconds: event === 'isolation' ? 3 : 60,
  };
}

/** A server that obeys no signal, and what it is sent. */
function stubborn(checkpoint = async () => {}) {
  const sent: NodeJS.Signals[] = [];
  const end = Promise.withResolvers<ChildExit>();
  const postmaster: Postmaster = {
    // More than the kernel gives to anybody: it has no children that could be killed with it.
    pid: 2 ** 22 + 1,
    exited: end.promise,
    silent: Promise.resolve(),
    signal: (signal) => {
      if (signal !== 'SIGCONT') sent.push(signal);
      return true;
    },
  };
  const log = pino({ level: 'silent' });
  const stopper = new Stopper('the server', postmaster, policyFor, checkpoint, log);
  return {
    stopper,
    sent,
    /** Lets so many seconds pass. */
    wait: (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000),
    end: async () => {
      end.resolve({ code: null, signal: 'SIGKILL' });
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

describe('from the moment on at which the time of the lease is over, the patience is that of isolation', () => {
  test('with nothing asked before', async () => {
    const { stopper, sent, wait } = stubborn();
    stopper.push('isolation');
    expect(sent).toEqual(['SIGQUIT']);
    await wait(2.9);
    expect(sent).toEqual(['SIGQUIT']);
    await wait(0.2);
    expect(sent).toEqual(['SIGQUIT', 'SIGKILL']);
  });

  for (const before of ['stop requested', 'restart', 'fault', 'hand over'] as const) {
    test(`with a stop under way: ${before}`, async () => {
      const { stopper, sent, wait } = stubborn();
      stopper.push(before);
      await wait(20);
      sent.length = 0;
      stopper.push('isolation');
      await wait(2.9);
      expect(sent).toEqual(['SIGQUIT']);
      await wait(0.2);
      expect(sent).toEqual(['SIGQUIT', 'SIGKILL']);
    });
  }

  test('with an immediate stop under way, whose time becomes shorter', async () => {
    const { stopper, sent, wait } = stubborn();
    stopper.push('immediate stop requested');
    await wait(10);
    stopper.push('isolation');
    await wait(2.9);
    expect(sent).toEqual(['SIGQUIT']);
    await wait(0.2);
    expect(sent).toEqual(['SIGQUIT', 'SIGKILL']);
  });

  test('with an immediate stop that is nearly over: it does not become longer', async () => {
    const { stopper, sent, wait } = stubborn();
    stopper.push('immediate stop requested');
    await wait(59);
    stopper.push('isolation');
    await wait(1.1);
    expect(sent).toEqual(['SIGQUIT', 'SIGKILL']);
  });

  test('and nothing that is asked later makes it longer', async () => {
    const { stopper, sent, wait } = stubborn();
    stopper.push('isolation');
    await wait(2);
    for (const event of ['hand over', 'stop requested', 'isolation'] as const) stopper.push(event);
    await wait(1.1);
    expect(sent).toEqual(['SIGQUIT', 'SIGKILL']);
  });
});

test('isolation waits for no checkpoint, and one that comes to its end later sends no softer signal', async () => {
  const checkpoint = Promise.withResolvers<void>();
  const { stopper, sent, wait } = stubborn(() => checkpoint.promise);
  stopper.push('hand over');
  await wait(1);
  expect(sent).toEqual([]);
  stopper.push('isolation');
  expect(sent).toEqual(['SIGQUIT']);
  checkpoint.resolve();
  await wait(1);
  expect(sent).toEqual(['SIGQUIT']);
});

test('an ordered stop goes from one mode to the next, and a kill is repeated until the server has ended', async () => {
  const { stopper, sent, wait, end } = stubborn();
  stopper.push('stop requested');
  await wait(0);
  expect(sent).toEqual(['SIGTERM']);
  await wait(180);
  expect(sent).toEqual(['SIGTERM', 'SIGINT']);
  await wait(1_800);
  expect(sent).toEqual(['SIGTERM', 'SIGINT', 'SIGQUIT']);
  await wait(120);
  expect(sent).toEqual(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGKILL']);
  await end();
  await wait(600);
  expect(sent).toHaveLength(5);
});
