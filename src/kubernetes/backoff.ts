/** Milliseconds. With the first ones, the last one is under the second in which an instance is to be aligned once the API is back. */
const first = 50;
const longest = 600;

/**
 * How long to wait before the next attempt: doubled each time up to a limit, and never the same for all instances, which
 * would otherwise come back to a server all at once.
 *
 * @param attempt 0 for the first attempt after a success
 * @param random from 0 to 1
 * @param asked what the server asked for, in milliseconds (Retry-After); it is kept, as far as 10 s
 */
export function backoff(attempt: number, random: number, asked = 0): number {
  const usual = Math.min(longest, first * 2 ** Math.min(attempt, 10));
  return Math.max(usual * (0.75 + random / 4), Math.min(asked, 10_000));
}
