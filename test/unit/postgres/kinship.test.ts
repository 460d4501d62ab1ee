import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinshipOf, type WalPast } from '../../../src/postgres/kinship.ts';

const past = (
  timeline: number,
  history: ReadonlyArray<readonly [number, bigint]>,
  end?: bigint,
): WalPast => ({
  systemIdentifier: '7491204417735581719',
  timeline,
  history: history.map(([ancestor, at]) => ({ timeline: ancestor, end: at })),
  end,
});
const straight = { kind: 'straight' };
const forked = (timeline: number, at: bigint) => ({ kind: 'forked', timeline, at });
const foreign = { kind: 'foreign' };

describe('the primary has left the timeline', () => {
  const primary = past(2, [[1, 100n]], 500n);
  test.each([
    ['behind the fork', 80n, straight],
    ['exactly at the fork', 100n, straight],
    ['beyond the fork', 101n, forked(1, 100n)],
    ['not known, as after a crash', undefined, forked(1, 100n)],
  ])('own end %s', (_, end, kinship) => {
    expect(kinshipOf(past(1, [], end), primary)).toEqual(kinship);
    // How far the primary has come since does not matter.
    expect(kinshipOf(past(1, [], end), { ...primary, end: undefined })).toEqual(kinship);
  });
});

describe('both are on one timeline', () => {
  test.each([
    ['behind', 80n, 100n, straight],
    ['equal', 100n, 100n, straight],
    ['ahead: the primary has lost WAL', 101n, 100n, foreign],
    ['own end not known: two primaries of one timeline, or a copy', undefined, 100n, foreign],
    ["the primary's end not known", 80n, undefined, foreign],
    ['neither known', undefined, undefined, foreign],
  ])('%s', (_, own, other, kinship) => {
    expect(kinshipOf(past(1, [], own), past(1, [], other))).toMatchObject(kinship);
    expect(kinshipOf(past(3, [[1, 50n]], own), past(3, [[1, 50n]], other))).toMatchObject(kinship);
  });
});

describe('the timeline of this instance is newer than that of the primary', () => {
  test.each([
    ['the primary went on beyond the fork', 200n, forked(1, 100n)],
    ['the primary stands exactly at the fork', 100n, forked(1, 100n)],
    ['the primary lacks WAL from before the fork', 99n, foreign],
    ["the primary's end is not known", undefined, foreign],
  ])('%s', (_, end, kinship) => {
    expect(kinshipOf(past(2, [[1, 100n]], 150n), past(1, [], end))).toMatchObject(kinship);
    expect(kinshipOf(past(2, [[1, 100n]]), past(1, [], end))).toMatchObject(kinship);
  });
});

describe('both have left their common timeline', () => {
  test.each([
    ['this one first', 100n, 130n, forked(1, 100n)],
    ['the primary first', 130n, 100n, forked(1, 100n)],
    ['at the same place, under other numbers', 100n, 100n, forked(1, 100n)],
  ])('%s', (_, own, other, kinship) => {
    expect(kinshipOf(past(2, [[1, own]], 900n), past(3, [[1, other]], 900n))).toEqual(kinship);
    expect(kinshipOf(past(2, [[1, own]]), past(3, [[1, other]]))).toEqual(kinship);
  });
  test('two timelines 2 are not one because they have one number', () => {
    // pg_rewind would find nothing to do between them.
    expect(kinshipOf(past(2, [[1, 120n]], 300n), past(2, [[1, 100n]], 900n))).toMatchObject(foreign);
    expect(kinshipOf(past(2, [[1, 120n]]), past(2, [[1, 100n]], 900n))).toMatchObject(foreign);
    const primary = past(
      3,
      [
        [1, 100n],
        [2, 200n],
      ],
      900n,
    );
    expect(kinshipOf(past(2, [[1, 120n]], 150n), primary)).toEqual(forked(1, 100n));
  });
});

describe('no kin', () => {
  test('another database system', () => {
    const other = { ...past(1, [], 50n), systemIdentifier: '1' };
    expect(kinshipOf(past(1, [], 50n), other)).toMatchObject(foreign);
  });
  test('no common timeline', () => {
    expect(kinshipOf(past(5, [[4, 10n]], 50n), past(2, [[1, 10n]], 50n))).toMatchObject(foreign);
    expect(kinshipOf(past(1, [], 50n), past(5, [], 50n))).toMatchObject(foreign);
  });
  test('a history that contradicts itself', () => {
    const primary = past(2, [[1, 10n]], 50n);
    expect(kinshipOf(past(1, [[1, 10n]], 50n), past(1, [], 50n))).toMatchObject(foreign);
    expect(kinshipOf(past(2, [[1, 10n]], 9n), primary)).toMatchObject(foreign);
    expect(kinshipOf(past(1, [], 5n), past(2, [[1, 10n]], 9n))).toMatchObject(foreign);
  });
});

/** A timeline of the generated tree; identity, not number, says whether two WAL bytes are the same. */
interface Node {
  readonly number: number;
  readonly parent: Node | undefined;
  /** Where it forked off its parent. */
  readonly begin: number;
}

/** What a server on `node` holds, a byte an entry, up to `end`: the timeline that wrote it. */
function wal(node: Node, end: number): Node[] {
  const inherited = node.parent === undefined ? [] : wal(node.parent, node.begin);
  return [...inherited, ...Array<Node>(Math.max(0, end - node.begin)).fill(node)];
}

function historyOf(node: Node): Array<readonly [number, bigint]> {
  return node.parent === undefined
    ? []
    : [...historyOf(node.parent), [node.parent.number, BigInt(node.begin)]];
}

const width = 12;

/** Trees in which numbers are given as PostgreSQL does: greater than all ancestors, but not unique among cousins. */
const trees = fc
  .array(fc.record({ parent: fc.nat(), begin: fc.integer({ min: 1, max: width }), skip: fc.nat(1) }), {
    maxLength: 5,
  })
  .map((forks) => {
    const nodes: Node[] = [{ number: 1, parent: undefined, begin: 0 }];
    for (const fork of forks) {
      const parent = nodes[fork.parent % nodes.length]!;
      const begin = parent.begin + fork.begin;
      const number = parent.number + 1 + fork.skip;
      // The twins that cannot be told apart, see kinshipOf.
      const hasTwin = nodes.some(
        (node) => node.parent === parent && node.number === number && node.begin === begin,
      );
      if (!hasTwin) nodes.push({ number, parent, begin });
    }
    return nodes;
  });

const cases = trees.chain((nodes) =>
  fc.record({
    own: fc.constantFrom(...nodes),
    primary: fc.constantFrom(...nodes),
    // A server on a timeline has written at least the record that began it.
    ownLength: fc.option(fc.integer({ min: 1, max: width }), { nil: undefined }),
    primaryLength: fc.integer({ min: 1, max: width }),
  }),
);

test('in any tree of timelines the answer is what walking along every byte gives', () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(cases, ({ own, primary, ownLength, primaryLength }) => {
      // Unknown may be anything: for walking, more than anybody else has.
      const ownEnd = own.begin + (ownLength ?? 100 * width);
      const primaryEnd = primary.begin + primaryLength;
      const ours = wal(own, ownEnd);
      const theirs = wal(primary, primaryEnd);
      let common = 0;
      while (common < ours.length && ours[common] === theirs[common]) common += 1;

      const isAheadOnPrimarys = common === theirs.length && ours[common] === primary;
      const isNumberUsedTwice = own !== primary && own.number === primary.number;
      const expected =
        common === ours.length
          ? straight
          : isAheadOnPrimarys || isNumberUsedTwice
            ? { kind: 'foreign', why: expect.any(String) }
            : forked(ours[common - 1]!.number, BigInt(common));
      const answer = kinshipOf(
        past(own.number, historyOf(own), ownLength === undefined ? undefined : BigInt(ownEnd)),
        past(primary.number, historyOf(primary), BigInt(primaryEnd)),
      );
      expect(answer).toEqual(expected);
      kinds.set(answer.kind, (kinds.get(answer.kind) ?? 0) + 1);
    }),
    { numRuns: 5000 },
  );
  // The trees are worth something only if they bring up every answer.
  for (const kind of ['straight', 'forked', 'foreign']) expect(kinds.get(kind) ?? 0).toBeGreaterThan(100);
});

test('nothing that is not known ever makes an instance stream', () => {
  fc.assert(
    fc.property(cases, ({ own, primary, primaryLength }) => {
      const unknown = past(own.number, historyOf(own));
      const end = BigInt(primary.begin + primaryLength);
      expect(kinshipOf(unknown, past(primary.number, historyOf(primary), end)).kind).not.toBe('straight');
    }),
  );
});
