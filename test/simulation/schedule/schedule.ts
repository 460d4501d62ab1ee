import { defaultLeaseTimings, type LeaseTimings } from '../../../src/alignment/lease.ts';
import { Random } from '../engine/random.ts';

/** What can go wrong, or be wanted by a person. Each has a beginning, and an end after `duration`. */
export const faultKinds = [
  /** Everything in the container is killed; it comes back after the duration. */
  'kill container',
  /** The machine is gone without a word; its container comes back after the duration. */
  'lose machine',
  /** The manager alone is killed: its server goes on, and a new manager takes it over. */
  'kill manager',
  /** SIGSTOP of the manager; a lasting one hits it between a decision and the deed. */
  'halt manager',
  /** The whole machine stands still, as a virtual machine does that is moved. */
  'halt machine',
  /** The server ends by itself. */
  'crash server',
  /** The postmaster alone is killed: sessions that compute go on without it. */
  'kill postmaster',
  /** The postmaster acts on nothing but KILL, its sessions go on. */
  'hang postmaster',
  /** All processes of the server stand still. */
  'freeze server',
  'slow machine',
  /** Nothing reaches the disk. */
  'stall storage',
  /** The server ends, and does not start until there is room again. */
  'fill disk',
  /** One manager cannot reach the store. */
  'cut store',
  /** Nobody reaches the store. */
  'store outage',
  /** Requests to the store are late, some are lost. */
  'slow store',
  /** One manager gets no events. */
  'lose events',
  /** One manager reads an old Cluster. */
  'stale reads',
  /** Two instances cannot reach each other. */
  'cut pair',
  /** One instance reaches nobody. */
  'cut instance',
  'slow network',
  /** The operator cannot ask one instance. */
  'cut operator',
  /** The operator sees old answers of one instance. */
  'old status',
  'halt operator',
  'restart operator',
  /** A person chooses the primary. */
  'switch over',
  'fence',
  /** TERM to the manager; the container comes back. */
  'terminate',
  /** The primary no longer has old WAL. */
  'remove WAL',
] as const;

export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  /** True milliseconds. */
  readonly at: number;
  readonly kind: FaultKind;
  readonly duration: number;
  /** Number of the instance that is meant. */
  readonly victim: number;
  /** Number of another one, for what is between two. */
  readonly other: number;
  /** It does not end by itself: only the death of the server ends it. */
  readonly isLasting: boolean;
}

/** spec.postgresql.synchronous. */
export interface SynchronousSetup {
  readonly method: 'any' | 'first';
  readonly number: number;
  readonly dataDurability: 'required' | 'preferred';
}

export interface Setup {
  readonly instances: number;
  /** Undefined: asynchronous. */
  readonly synchronous: SynchronousSetup | undefined;
  /** Failed probes after which a Pod is not Ready. */
  readonly readinessThreshold: number;
  readonly smartSeconds: number;
  /** The Cluster is new: nobody has data. */
  readonly isNew: boolean;
  /** A primary that cannot reach the store asks the others, as on Kubernetes. */
  readonly asksOthers: boolean;
  /** spec.primaryLease is changed again and again: each process has the times that it found at its start. */
  readonly hasUnequalLeaseTimes: boolean;
}

/** One run: everything that happens in it follows from this. */
export interface Schedule {
  readonly seed: number;
  readonly setup: Setup;
  readonly faults: readonly Fault[];
}

/** The world has come up by then. */
const begin = 4_000;

/** Faults that are worst when they come together. */
export const themes = {
  handOver: ['switch over', 'slow network', 'crash server', 'hang postmaster', 'freeze server', 'cut pair'],
  lease: [
    'cut store',
    'store outage',
    'slow store',
    'halt manager',
    'kill manager',
    'halt machine',
    'switch over',
  ],
  knowledge: ['lose events', 'stale reads', 'switch over', 'fence', 'halt operator', 'slow store'],
  orphans: ['switch over', 'kill manager', 'slow store', 'halt manager'],
  halts: ['switch over', 'halt manager'],
  failover: [
    'kill container',
    'lose machine',
    'cut instance',
    'cut operator',
    'old status',
    'restart operator',
  ],
  promises: ['switch over', 'cut store', 'store outage'],
  returns: ['terminate', 'stale reads'],
  latecomers: ['lose machine', 'crash server', 'cut pair', 'fill disk', 'kill container', 'switch over'],
  leftovers: ['kill postmaster', 'switch over', 'halt manager', 'kill manager', 'slow store'],
  quorum: ['hang postmaster', 'cut pair', 'crash server', 'kill container', 'stall storage'],
  disk: ['fill disk', 'stall storage', 'remove WAL', 'slow machine', 'crash server', 'kill container'],
} as const satisfies Readonly<Record<string, readonly FaultKind[]>>;

/** The schedule of a seed. Faults come in bursts: what is dangerous is mostly one trouble in the middle of another. */
export function scheduleOf(seed: number, kinds: readonly FaultKind[] = faultKinds): Schedule {
  const random = new Random(seed, 'schedule');
  const setup = { ...setupOf(random), hasUnequalLeaseTimes: new Random(seed, 'lease times').chance(0.3) };
  const bursts = Array.from({ length: random.integer(1, 3) }, () => random.between(begin, 40_000));
  const count = random.integer(1, 8);
  const theme: readonly FaultKind[] = random.chance(0.6) ? random.pick(Object.values(themes)) : kinds;
  const chosen = theme.filter((kind) => kinds.includes(kind));
  const from = chosen.length === 0 ? kinds : chosen;
  // Most troubles of one day have to do with one instance, or with the first primary.
  const victims = [0, 0, 0, ...Array.from({ length: 4 }, () => random.integer(0, setup.instances - 1))];
  const unlucky = random.pick(victims);
  const faults = Array.from({ length: count }, () =>
    faultOf(random, from, bursts, setup.instances, [...victims, unlucky, unlucky, unlucky]),
  );
  return { seed, setup, faults: faults.toSorted((one, other) => one.at - other.at) };
}

function setupOf(random: Random): Omit<Setup, 'hasUnequalLeaseTimes'> {
  const instances = random.pick([2, 3, 3, 3, 4]);
  const number = random.integer(1, Math.max(1, instances - 2));
  return {
    instances,
    synchronous: random.chance(0.55) ? synchronousOf(random, number) : undefined,
    readinessThreshold: random.integer(2, 10),
    smartSeconds: random.pick([0, 0, 3]),
    isNew: random.chance(0.12),
    asksOthers: random.chance(0.5),
  };
}

function synchronousOf(random: Random, number: number): SynchronousSetup {
  return {
    method: random.pick(['any', 'any', 'first']),
    number,
    dataDurability: random.pick(['required', 'required', 'preferred']),
  };
}

function faultOf(
  random: Random,
  kinds: readonly FaultKind[],
  bursts: readonly number[],
  instances: number,
  victims: readonly number[],
): Fault {
  const kind = random.pick(kinds);
  const at = Math.round(
    random.pick(bursts) + (random.chance(0.7) ? random.between(0, 3_000) : random.between(0, 25_000)),
  );
  const duration = Math.round(
    random.pick([random.between(50, 1_000), random.between(500, 8_000), random.between(5_000, 45_000)]),
  );
  const victim = random.pick(victims);
  const other = (victim + random.integer(1, instances - 1)) % instances;
  return { at, kind, duration, victim, other, isLasting: random.chance(0.3) };
}

/** The times that a process finds at its start. What lies between the first two is never less than a stop may take. */
export function leaseTimesOf({ hasUnequalLeaseTimes }: Setup, random: Random): LeaseTimings {
  if (!hasUnequalLeaseTimes) return defaultLeaseTimings;
  return random.pick([
    { duration: 8_000, renewDeadline: 3_000, retryPeriod: 1_000 },
    { duration: 20_000, renewDeadline: 15_000, retryPeriod: 2_000 },
  ]);
}

/** When the last fault has ended. */
export function endOfFaults({ faults }: Schedule): number {
  return Math.max(begin, ...faults.map(({ at, duration }) => at + duration));
}
