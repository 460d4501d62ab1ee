import { describe, expect, test } from 'vitest';
import {
  ApiError,
  errorOf,
  isConflict,
  isExpired,
  isNotFound,
  pauseAskedBy,
} from '../../../src/kubernetes/api-error.ts';

const status = (code: number, reason: string, details?: object) =>
  JSON.stringify({ kind: 'Status', status: 'Failure', message: `it is ${reason}`, reason, code, details });

describe('an answer that is an error', () => {
  test('is told in the words of the server', () => {
    const error = errorOf('GET /x', 403, status(403, 'Forbidden'), undefined);
    expect(error).toMatchObject({
      name: 'ApiError',
      status: 403,
      reason: 'Forbidden',
      retryAfter: undefined,
    });
    expect(error.message).toBe('GET /x: 403 it is Forbidden');
  });
  test.each(['', 'upstream connect error', '"text"', 'null', '[]'])('may have any body: %j', (body) => {
    const error = errorOf('GET /x', 502, body, undefined);
    expect(error).toMatchObject({ status: 502, reason: '', retryAfter: undefined });
  });
  test('of a page is told by its beginning', () => {
    expect(errorOf('GET /x', 502, 'y'.repeat(10_000), undefined).message.length).toBeLessThan(300);
  });
  test.each([
    ['2', undefined, 2_000],
    ['0', undefined, 0],
    ['2', 7, 2_000],
    [undefined, 7, 7_000],
    ['Wed, 21 Oct 2037 07:28:00 GMT', 7, 7_000],
    ['Wed, 21 Oct 2037 07:28:00 GMT', undefined, undefined],
    ['-5', undefined, undefined],
    [undefined, undefined, undefined],
  ])('asks to be left alone: header %j, body %j', (header, retryAfterSeconds, wanted) => {
    const body = status(429, 'TooManyRequests', { retryAfterSeconds });
    expect(errorOf('GET /x', 429, body, header).retryAfter).toBe(wanted);
  });
});

test('conflicts, missing objects and versions that are too old are told apart', () => {
  const told = (code: number, reason: string) => {
    const error = errorOf('GET /x', code, status(code, reason), undefined);
    return [isConflict(error), isNotFound(error), isExpired(error)];
  };
  expect(told(409, 'Conflict')).toEqual([true, false, false]);
  expect(told(404, 'NotFound')).toEqual([false, true, false]);
  expect(told(410, 'Gone')).toEqual([false, false, true]);
  expect(told(410, 'Expired')).toEqual([false, false, true]);
  expect(told(500, 'InternalError')).toEqual([false, false, false]);
  for (const error of [new ApiError('no answer'), new Error('409'), undefined]) {
    expect([isConflict(error), isNotFound(error), isExpired(error)]).toEqual([false, false, false]);
  }
});

test('a pause that the server asks for is kept, a little longer by chance, never without end, and not while it only starts', () => {
  const asked = (retryAfter?: number) => new ApiError('429', { status: 429, retryAfter });
  const pause = pauseAskedBy(new Error('unreadable', { cause: asked(2_000) }));
  expect(pause).toBeGreaterThanOrEqual(2_000);
  expect(pause).toBeLessThanOrEqual(2_500);
  expect(pauseAskedBy(asked(3_600_000))).toBeLessThanOrEqual(12_500);
  for (const [status, message] of [
    [503, 'the server is currently unable to handle the request'],
    [429, 'storage is (re)initializing'],
  ] as const) {
    expect(pauseAskedBy(new ApiError(message, { status, retryAfter: 5_000 }))).toBe(0);
  }
  expect([pauseAskedBy(asked()), pauseAskedBy(new Error('another')), pauseAskedBy('text')]).toEqual([
    0, 0, 0,
  ]);
});
