import { isDeepStrictEqual } from 'node:util';

type Json = unknown;

/**
 * What must be merged into one object to get another (RFC 7396): a member that has gone becomes null, an array is replaced as
 * a whole. Undefined when they are the same. A member that is undefined counts as one that is not there.
 */
export function mergePatch(
  from: Readonly<Record<string, Json>>,
  to: Readonly<Record<string, Json>>,
): Record<string, Json> | undefined {
  const patch: Record<string, Json> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [from[name], to[name]];
    if (isDeepStrictEqual(before, after)) continue;
    if (after === undefined) patch[name] = null;
    else if (isObject(before) && isObject(after)) {
      const inner = mergePatch(before, after);
      if (inner !== undefined) patch[name] = inner;
    } else patch[name] = after;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
