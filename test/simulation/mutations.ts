import { decide } from '../../src/alignment/decide.ts';
import type { Situation } from '../../src/alignment/facts.ts';
import type { Goal } from '../../src/alignment/goal.ts';
import { leaseFacts, nextLeaseMove, noteLease } from '../../src/alignment/lease.ts';
import type { State } from '../../src/alignment/state.ts';
import type { StepName } from '../../src/alignment/step-name.ts';
import { type Cell, type TransitionTable, transitions } from '../../src/alignment/transitions.ts';
import { promiseTo } from '../../src/alignment/vouching.ts';
import { kinshipOf } from '../../src/postgres/kinship.ts';
import { type Rules, realRules } from './manager/rules.ts';
import { type FaultKind, faultKinds, type Schedule, scheduleOf, themes } from './schedule/schedule.ts';
import { changesOfMind, shortReigns } from './schedule/scripted.ts';

/** A deliberate fault in what a manager decides by, and the schedules in which it must show. */
export interface Mutation {
  readonly name: string;
  readonly rules: Rules;
  /** The same world without the fault. */
  readonly sound: Rules;
  readonly schedules: (seed: number) => Schedule;
}

const go = (step: StepName, then: State): Cell => ({ kind: 'step', step, then });
const stay: Cell = { kind: 'stay', why: 'mutated' };

function withCells(changes: Partial<Record<State, Partial<Record<Goal, Cell>>>>): TransitionTable {
  const table: Record<string, Readonly<Record<Goal, Cell>>> = { ...transitions };
  for (const [state, cells] of Object.entries(changes))
    table[state] = { ...transitions[state as State], ...cells };
  return table as TransitionTable;
}

/** The real decision over a changed table. */
function table(changes: Parameters<typeof withCells>[0]): Partial<Rules> {
  const changed = withCells(changes);
  return { decide: (situation) => decide(situation, changed) };
}

/** The real decision on changed facts. */
function seen(change: (situation: Situation) => Situation): Partial<Rules> {
  return { decide: (situation) => decide(change(situation)) };
}

const primaries = ['primary up', 'unfinished primary up', 'primary serving'] as const;
const ofPrimaries = (cells: Partial<Record<Goal, Cell>>) =>
  Object.fromEntries(primaries.map((state) => [state, cells]));

/** What the second line of defence would hide shows only without it; then no process may be halted or left behind. */
const withoutWatchdog: Rules = { ...realRules, hasWatchdog: false };
const haltless = faultKinds.filter(
  (kind) => !['halt manager', 'halt machine', 'kill manager'].includes(kind),
);

function mutation(
  name: string,
  change: Partial<Rules>,
  world: Partial<Pick<Mutation, 'sound' | 'schedules'> & { readonly kinds: readonly FaultKind[] }> = {},
): Mutation {
  const { sound = realRules, kinds = faultKinds } = world;
  const { schedules = (seed) => scheduleOf(seed, kinds) } = world;
  return { name, rules: { ...sound, ...change }, sound, schedules };
}

const alwaysHeld = (lease: Situation['lease']): Situation['lease'] => ({
  standing: 'held',
  heldSince: lease.heldSince ?? 0,
  fenceAt: Number.POSITIVE_INFINITY,
});

export const mutations: readonly Mutation[] = [
  mutation('the lease is ignored', {
    ...seen((situation) => ({ ...situation, lease: alwaysHeld(situation.lease) })),
    isHeld: () => true,
  }),
  mutation('renewal is not tied to health', { isFitToLead: () => true }),
  mutation(
    'promotion before the receiver has stopped',
    seen((situation) => ({ ...situation, instance: { ...situation.instance, receiver: 'idle' } })),
    { kinds: themes.handOver },
  ),
  mutation('the deadline of the lease is ignored', {
    leaseFacts: (memory, timings) => {
      const facts = leaseFacts(memory, timings);
      return { ...facts, fenceAt: facts.fenceAt === undefined ? undefined : Number.MAX_SAFE_INTEGER };
    },
  }),
  mutation('a lease is claimed before its time is over', {
    nextLeaseMove: (memory, situation) =>
      nextLeaseMove(
        { ...memory, seen: memory.seen === undefined ? undefined : { ...memory.seen, promised: 0 } },
        { ...situation, timings: { ...situation.timings, duration: situation.timings.duration / 2 } },
      ),
  }),
  mutation('a lease is judged by the clock of its holder', {
    nextLeaseMove: (memory, situation) => {
      const isOver = situation.wallClock > Number(memory.seen?.renewTime) + situation.timings.duration;
      const seenAt = isOver ? Number.NEGATIVE_INFINITY : situation.now;
      return nextLeaseMove({ ...memory, seenAt }, situation);
    },
  }),
  mutation(
    '`pending` is ignored',
    seen((situation) => {
      const { cluster } = situation;
      if (cluster?.targetPrimary !== 'pending') return situation;
      return { ...situation, cluster: { ...cluster, targetPrimary: cluster.currentPrimary } };
    }),
  ),
  mutation(
    'a demotion waits until the server answers',
    table({
      'primary up': { follow: stay, yield: stay },
      'unfinished primary up': { follow: stay, yield: stay },
    }),
  ),
  mutation('the lease is released before the server is down', {
    decide: (situation) => {
      const decision = decide(situation);
      return decision.goal === 'yield' || decision.goal === 'follow'
        ? { ...decision, lease: 'release' }
        : decision;
    },
  }),
  mutation(
    'a former primary comes back as a primary',
    table({
      'primary down': { follow: go('start', 'primary up'), yield: go('start', 'primary up') },
    }),
  ),
  mutation(
    'no rewind although the WAL has forked',
    table({
      'forked primary down': { follow: go('turn standby', 'standby down') },
      'forked standby down': { follow: go('start', 'standby up') },
    }),
  ),
  mutation(
    'a torn directory is started',
    table({ torn: { follow: go('start', 'standby up'), yield: go('start', 'standby up') } }),
  ),
  mutation(
    'announced without the lease',
    {
      ...table({ 'primary serving': { claim: go('announce', 'primary serving') } }),
      checksLeaseBeforeAnnouncing: false,
    },
    { kinds: themes.orphans },
  ),
  mutation('a conflict counts as success', {
    noteLease: (memory, event, situation) =>
      noteLease(
        memory,
        event.kind === 'conflict'
          ? {
              kind: 'written',
              sentAt: situation.now,
              seen: { holder: situation.me, renewTime: '', promised: 15_000 },
            }
          : event,
        situation,
      ),
  }),
  mutation(
    'an older Cluster replaces a newer one',
    { keepsNewestCluster: false },
    { kinds: themes.knowledge },
  ),
  mutation(
    'an isolated primary is stopped in order',
    table(ofPrimaries({ isolate: go('stop in order', 'primary down') })),
    {
      sound: withoutWatchdog,
      kinds: haltless,
    },
  ),
  mutation(
    'a rewind that finds the primary away has failed like any other',
    seen(({ failures = {}, ...situation }) => {
      const { rewind } = failures;
      return rewind === undefined
        ? { ...situation, failures }
        : { ...situation, failures: { ...failures, rewind: { ...rewind, spent: rewind.count } } };
    }),
    { kinds: themes.latecomers },
  ),
  mutation('no watchdog', { hasWatchdog: false }),
  mutation('a lost release is believed to have failed', {
    noteLease: (memory, event, situation) =>
      event.kind === 'releasing' ? memory : noteLease(memory, event, situation),
  }),
  mutation(
    'no look at the clock before the deed',
    { checksLeaseBeforeActing: false },
    { kinds: themes.halts },
  ),
  mutation(
    'the Cluster is believed that was read before the lease was taken',
    seen(({ cluster, ...situation }) => ({
      ...situation,
      cluster: cluster === undefined ? undefined : { ...cluster, readAt: undefined },
    })),
    { kinds: themes.returns },
  ),
  mutation('an isolated server gets a minute to stop', { isolationPatience: 60_000 }),
  mutation(
    'timelines are told apart by their numbers alone',
    {
      kinshipOf: (own, primary) =>
        own.timeline === primary.timeline ? { kind: 'straight' } : kinshipOf(own, primary),
    },
    { sound: { ...realRules, sharesHistoryFiles: false }, kinds: themes.latecomers },
  ),
  mutation(
    'new synchronous standbys are told to the operator before they have caught up',
    { waitsForNewStandbys: false },
    { kinds: themes.quorum },
  ),
  mutation(
    'the watchdog is told only after the deed',
    { guardsBeforeActing: false },
    { kinds: themes.halts },
  ),
  mutation(
    'who takes a server over sends its watchdog home',
    { keepsGuardOnTakeover: false },
    { kinds: themes.orphans },
  ),
  mutation(
    'what a postmaster has left behind is not looked for',
    { killsWhatIsLeft: false },
    { kinds: themes.leftovers },
  ),
  mutation(
    'a stop that was begun for something else keeps its patience',
    { shortensStops: false },
    { sound: withoutWatchdog, kinds: haltless },
  ),
  mutation('the lease goes while a start is under way', {
    ...seen((situation) => ({ ...situation, running: undefined })),
    checksLeaseBeforeActing: false,
  }),
  mutation(
    'a promise is given whatever is known of the next primary',
    {
      promiseTo: (memory, facts) => ({
        ...memory,
        promise: { holder: facts.holder, until: facts.now },
      }),
    },
    { kinds: themes.promises },
  ),
  mutation(
    'a promise binds for the time of its giver, whatever the holder counts on',
    {
      promiseTo: (memory, facts) => {
        const { duration, ownDuration = duration, now, holder } = facts;
        const promised = promiseTo(memory, facts);
        return typeof promised === 'string' || ownDuration >= duration
          ? promised
          : { ...promised, promise: { holder, until: now + ownDuration } };
      },
    },
    { schedules: changesOfMind },
  ),
  mutation(
    'a process with shorter times counts on them before the watchdog has heard of them',
    { durationToWrite: (_, { duration }) => duration },
    { schedules: shortReigns },
  ),
  mutation('the promise of one other is enough', { needsAllPromises: false }, { kinds: themes.promises }),
  mutation(
    'a time that is over begins again by a promise',
    {
      noteLease: (memory, event, situation) =>
        event.kind === 'vouched' && memory.renewedAt !== undefined
          ? { ...memory, vouchedAt: event.sentAt + 5_000 }
          : noteLease(memory, event, situation),
    },
    { kinds: themes.promises },
  ),
];
