import type { Fault, Schedule } from './schedule/schedule.ts';
import type { Outcome } from './simulate.ts';

/** The one command that shows a seed again, and makes its schedule smaller. */
export function commandFor(seed: number): string {
  return `npm run simulate -- --seed ${seed}`;
}

/** A schedule for people. */
export function describe({ seed, setup, faults }: Schedule): string {
  const { instances, synchronous, readinessThreshold, smartSeconds, isNew, hasUnequalLeaseTimes } = setup;
  const replication =
    synchronous === undefined
      ? 'asynchronous'
      : `synchronous: ${synchronous.method} ${synchronous.number}, ${synchronous.dataDurability}`;
  const world = [
    `${instances} instances`,
    replication,
    `not Ready after ${readinessThreshold} s`,
    ...(smartSeconds > 0 ? [`${smartSeconds} s for sessions`] : []),
    ...(isNew ? ['a new Cluster'] : []),
    ...(hasUnequalLeaseTimes ? ['lease times that differ'] : []),
  ];
  return [`seed ${seed}: ${world.join(', ')}`, ...faults.map(describeFault)].join('\n');
}

function describeFault({ at, kind, duration, victim, other, isLasting }: Fault): string {
  const whom = `c-${victim + 1}${kind === 'cut pair' ? ` and c-${other + 1}` : ''}`;
  const end = `${(duration / 1_000).toFixed(1)} s${isLasting ? ', the worse kind' : ''}`;
  return `${(at / 1_000).toFixed(1).padStart(7)} s  ${kind}: ${whom} (${end})`;
}

/** How a schedule came out. */
export function describeOutcome({ broken, alignedAfter, events }: Outcome): string {
  if (broken !== undefined) return `BROKEN  ${broken.message}`;
  return `every promise kept; aligned ${(alignedAfter / 1_000).toFixed(1)} s after the last fault (${events} events)`;
}
