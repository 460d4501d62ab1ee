/**
 * Whether a component that tests need is there. In CI its absence is a failure; elsewhere the tests are skipped and the
 * reason is told.
 */
export function component(name: string, isThere: () => boolean): boolean {
  if (isThere()) return true;
  if (process.env.CI === 'true') throw new Error(`CI needs ${name}, which is not there`);
  process.stderr.write(`skipped: ${name} is not there\n`);
  return false;
}
