import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Duties } from '../../../../src/instance/upkeep/duties.ts';
import { ApiError } from '../../../../src/kubernetes/api-error.ts';

test('the same trouble is told once, another one and the next time again', async () => {
  const told: string[] = [];
  const log = pino(
    {},
    { write: (line: string) => void told.push((JSON.parse(line) as { duty: string }).duty) },
  );
  const duties = new Duties(log, new AbortController().signal);
  const fail = (text: string) => () => Promise.reject(new Error(text));
  duties.begin();
  expect(await duties.attempt('slots', fail('in use'))).toBe(false);
  expect(await duties.attempt('slots', fail('in use'))).toBe(false);
  expect(await duties.attempt('report', () => {})).toBe(true);
  expect([told, duties.areDone]).toEqual([['slots'], false]);
  duties.begin();
  await duties.attempt('slots', fail('none left'));
  expect(told).toHaveLength(2);
  duties.begin();
  await duties.attempt('slots', () => {});
  expect(duties.areDone).toBe(true);
  await duties.attempt('slots', fail('none left'));
  expect(told).toHaveLength(3);
});

test('the longest pause that an API server asks for is told, until the next pass', async () => {
  const duties = new Duties(pino({ enabled: false }), new AbortController().signal);
  const fail = (retryAfter: number) => () => Promise.reject(new ApiError('429', { status: 429, retryAfter }));
  duties.begin();
  await duties.attempt('report', fail(5_000));
  await duties.attempt('quorum', fail(1_000));
  expect(duties.pause).toBeGreaterThanOrEqual(5_000);
  duties.begin();
  expect(duties.pause).toBe(0);
});
