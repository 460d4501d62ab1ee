import type { Goal } from './goal.ts';
import type { State } from './state.ts';
import type { StepName } from './step-name.ts';

/** What is done in a state for a goal: a step and the state that it leads to, waiting for something, or a refusal. */
export type Cell =
  | { readonly kind: 'step'; readonly step: StepName; readonly then: State }
  | { readonly kind: 'stay'; readonly why: string }
  | { readonly kind: 'refuse'; readonly why: string };

const go = (step: StepName, then: State): Cell => ({ kind: 'step', step, then });
const stay = (why: string): Cell => ({ kind: 'stay', why });
const refuse = (why: string): Cell => ({ kind: 'refuse', why });

const unread = stay('the Cluster has not been read yet');
const aligned = stay('as it shall be');
const needsLease = stay('the lease is not held yet');
const unchosen = stay('nobody has been chosen as the primary yet');
const noPrimary = stay('no primary to follow: another one is being chosen or made');
const fenced = stay('fenced: a person asked that the server does not run');
const down = stay('the server is down');
const timeIsOver = stay('the time of the lease is over');
const waiting = stay('a standby keeps what it has and waits for the next primary');
const stillReceiving = stay('WAL of the old primary still arrives');
const startPrimary = go('start', 'primary up');
const startStandby = go('start', 'standby up');
const noAnswer = stay('the server has not answered as a primary yet');
const announce = go('announce', 'primary serving');
const promote = go('promote', 'primary serving');
const compare = go('compare', 'straight primary down');
/** Of several that were the primary once, the one that was it last cannot be told by itself. */
const whoLed = refuse(
  'nobody has been chosen, and this may not be the last primary: it leads when every instance has registered and no other holds the data of a primary, or when a person chooses it (manager cluster promote --force)',
);
/** Its data is the copy of a primary that may still be there, and have more. */
const copyCannotFound = refuse(
  'a standby cannot found a Cluster: choose the instance that was the primary, or name that in status.currentPrimary if it is lost',
);
const lostData = refuse(
  'the primary of the Cluster has lost its data directory: restore it, or choose another instance as the primary',
);
const tornPrimary = refuse(
  'a rewind of this data directory was interrupted: only another primary can complete it',
);
const unclear = refuse(
  'what the data directory holds cannot be told, and nothing is done with it before a person has looked',
);
const stranded = refuse(
  'the primary no longer has the WAL that comes next: ask for a new copy (manager cluster reclone), or bring the WAL back',
);
/** What its server wrote lies where the WAL of the old primary lies, so that no comparison shows the difference. */
const clashing = refuse(
  'this instance was promoted and wrote to the timeline of before, where its WAL cannot be told from that of the old primary: choose another one, and ask for a new copy (manager cluster reclone)',
);
const stopClashing = go('stop at once', 'clashing primary down');
/** Only a person asks for a new copy, and even then the old data is kept. */
const setAside = go('set aside', 'empty');
const foreign = refuse(
  'this data directory holds WAL that does not belong to the history of the primary: a person must compare them',
);
const foreignTarget = refuse(
  'this standby does not belong to the history of the last primary, whose writes would be lost with it: choose another one, or compare them, remove .foreign-standby from its data directory, and start its manager anew',
);

const wantsDown = { fence: fenced, isolate: timeIsOver, quit: down, unknown: unread } as const;
/** A former primary leads again only with the lease; what it is to the present primary then does not matter. */
const primaryDown = {
  ...wantsDown,
  found: startPrimary,
  claim: needsLease,
  lead: startPrimary,
  reign: startPrimary,
  reclone: setAside,
  yield: noPrimary,
  keep: whoLed,
} as const;
/** A primary that is not to be one any more is stopped first, whatever comes then. */
const primaryUp = {
  unknown: unread,
  claim: stay('the lease is asked for'),
  follow: go('stop fast', 'primary down'),
  reclone: go('stop fast', 'primary down'),
  yield: go('stop fast', 'primary down'),
  keep: stay('nobody has been chosen: who is the primary goes on, with the lease'),
  fence: go('stop fast', 'primary down'),
  isolate: go('stop at once', 'primary down'),
  quit: go('stop in order', 'primary down'),
} as const;
/** A standby reads and receives whatever becomes of the lease; it may be started for every goal but the last ones. */
const standbyDown = {
  ...wantsDown,
  unknown: unread,
  found: startStandby,
  claim: startStandby,
  lead: startStandby,
  reign: startStandby,
  reclone: setAside,
  yield: startStandby,
  keep: startStandby,
} as const;
const standbyUp = {
  unknown: stay('the Cluster has not been read yet; the standby goes on'),
  found: copyCannotFound,
  claim: needsLease,
  lead: stillReceiving,
  reign: stillReceiving,
  reclone: go('stop fast', 'standby down'),
  yield: waiting,
  keep: waiting,
  fence: go('stop fast', 'standby down'),
  isolate: aligned,
  quit: go('stop in order', 'standby down'),
} as const;
const drained = { ...standbyUp, lead: promote, reign: promote } as const;

export type TransitionTable = Readonly<Record<State, Readonly<Record<Goal, Cell>>>>;

/** Role transitions, complete by type: every state, every goal. Shown by `manager debug state-machine`. */
export const transitions: TransitionTable = {
  empty: {
    ...wantsDown,
    found: go('initialise', 'primary down'),
    claim: stay('an instance without data leads only a new Cluster, and that with the lease'),
    lead: refuse('an instance without data cannot become the primary: choose another one'),
    reign: lostData,
    follow: go('join', 'standby down'),
    reclone: go('join', 'standby down'),
    yield: noPrimary,
    keep: unchosen,
  },
  torn: {
    ...wantsDown,
    found: tornPrimary,
    claim: tornPrimary,
    lead: tornPrimary,
    reign: tornPrimary,
    follow: go('rewind', 'standby down'),
    reclone: setAside,
    yield: noPrimary,
    keep: unchosen,
  },
  unclear: {
    ...wantsDown,
    found: unclear,
    claim: unclear,
    lead: unclear,
    reign: unclear,
    follow: unclear,
    reclone: setAside,
    yield: unclear,
    keep: unclear,
  },
  'primary down': { ...primaryDown, follow: compare },
  'straight primary down': { ...primaryDown, follow: go('turn standby', 'standby down') },
  'forked primary down': { ...primaryDown, follow: go('rewind', 'standby down') },
  'foreign primary down': { ...primaryDown, follow: foreign },
  'clashing primary down': {
    ...wantsDown,
    found: clashing,
    claim: clashing,
    lead: clashing,
    reign: clashing,
    follow: clashing,
    reclone: setAside,
    yield: noPrimary,
    keep: clashing,
  },
  'primary up': { ...primaryUp, found: noAnswer, lead: noAnswer, reign: noAnswer },
  // A promotion that has outlived its deadline is waited for again: nothing that replays is better begun anew.
  'unfinished primary up': { ...primaryUp, found: noAnswer, lead: promote, reign: promote },
  // Nobody may take it for a primary, and what it takes is lost.
  'clashing primary up': {
    unknown: stopClashing,
    found: stopClashing,
    claim: stopClashing,
    lead: stopClashing,
    reign: stopClashing,
    follow: stopClashing,
    reclone: stopClashing,
    yield: stopClashing,
    keep: stopClashing,
    fence: stopClashing,
    isolate: stopClashing,
    quit: stopClashing,
  },
  'primary serving': { ...primaryUp, found: announce, lead: announce, reign: aligned },
  'standby down': { ...standbyDown, follow: startStandby },
  'forked standby down': { ...standbyDown, follow: go('rewind', 'standby down') },
  'foreign standby down': { ...standbyDown, follow: foreign },
  'standby up': { ...standbyUp, follow: aligned },
  'drained standby up': { ...drained, follow: aligned },
  'astray standby up': { ...drained, follow: go('compare', 'standby up') },
  'stranded standby up': { ...drained, follow: stranded },
  'forked standby up': { ...drained, follow: go('stop fast', 'forked standby down') },
  'foreign standby up': {
    ...standbyUp,
    lead: foreignTarget,
    reign: foreignTarget,
    follow: foreign,
  },
};
