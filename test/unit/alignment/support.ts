import fc from 'fast-check';
import type { ClusterFacts, InstanceFacts, LeaseFacts, Situation } from '../../../src/alignment/facts.ts';
import type { Failures } from '../../../src/alignment/pacing.ts';
import { stepNames } from '../../../src/alignment/step-name.ts';

export const me = 'c-1';
export const now = 1_000_000;

export const heldLease: LeaseFacts = { standing: 'held', heldSince: now - 60_000, fenceAt: now + 8_000 };
export const noLease: LeaseFacts = { standing: 'none', heldSince: undefined, fenceAt: undefined };

/** A primary that serves, with the lease, in a Cluster that wants it so; each test says what is different. */
export function situation(
  different: {
    readonly instance?: Partial<InstanceFacts>;
    readonly cluster?: Partial<ClusterFacts> | undefined;
    readonly lease?: LeaseFacts;
    readonly isQuitting?: boolean;
    readonly adoptionGraceEnds?: number;
  } = {},
): Situation {
  const { instance, cluster = {}, ...rest } = different;
  return {
    instance: {
      name: me,
      data: 'primary',
      server: 'up',
      role: 'primary',
      receiver: 'idle',
      kinship: 'unknown',
      isAstray: false,
      source: 'right',
      ...instance,
    },
    cluster: { currentPrimary: me, targetPrimary: me, isFenced: false, ...cluster },
    lease: heldLease,
    isQuitting: false,
    adoptionGraceEnds: 0,
    now,
    ...rest,
  };
}

const instance: fc.Arbitrary<InstanceFacts> = fc.record({
  name: fc.constant(me),
  data: fc.constantFrom('empty', 'torn', 'unclear', 'primary', 'standby'),
  isPromoting: fc.boolean(),
  isOnOldTimeline: fc.boolean(),
  server: fc.constantFrom('down', 'up'),
  role: fc.constantFrom('primary', 'standby', 'unknown'),
  receiver: fc.constantFrom('receiving', 'idle', 'unknown'),
  kinship: fc.constantFrom('unknown', 'straight', 'forked', 'foreign'),
  isAstray: fc.boolean(),
  source: fc.constantFrom('right', 'wrong'),
});

/** One step has failed before. */
const failures: fc.Arbitrary<Failures> = fc
  .record({
    step: fc.constantFrom(...stepNames),
    count: fc.integer({ min: 1, max: 20 }),
    at: fc.integer({ min: now - 20_000, max: now }),
    isFinal: fc.boolean(),
  })
  .map(({ step, ...failure }) => ({ [step]: { ...failure, text: 'no way' } }));

const name = fc.constantFrom('', me, 'c-2', 'c-3', 'pending');

/** Every situation, the impossible ones too: nobody may rely on their being impossible. */
export const situations: fc.Arbitrary<Situation> = fc.record({
  instance,
  cluster: fc.option(
    fc.record({
      currentPrimary: name,
      targetPrimary: name,
      isFenced: fc.boolean(),
      isCandidate: fc.boolean(),
      readAt: fc.option(fc.integer({ min: now - 100_000, max: now }), { nil: undefined }),
    }),
    { nil: undefined, freq: 8 },
  ),
  lease: fc.record({
    standing: fc.constantFrom('none', 'held', 'lost', 'unknown'),
    heldSince: fc.option(fc.integer({ min: now - 100_000, max: now }), { nil: undefined }),
    fenceAt: fc.option(fc.integer({ min: now - 20_000, max: now + 20_000 }), { nil: undefined }),
  }),
  failures: fc.oneof(fc.constant({}), failures),
  isQuitting: fc.boolean(),
  adoptionGraceEnds: fc.constantFrom(0, now + 1_000),
  now: fc.constant(now),
});
