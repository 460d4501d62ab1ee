import { mightBePrimary } from '../alignment/data-role.ts';
import { isFitToLead } from '../alignment/fitness.ts';
import { isHeld } from '../alignment/goal.ts';
import type { PromiseQuestion } from '../alignment/vouching.ts';
import type { ClusterSpec } from '../cluster/cluster.ts';
import { leaseTimings } from '../cluster/defaults.ts';
import type { ClusterSource } from '../cluster/source.ts';
import { now } from './deadline.ts';
import type { EarlyPromise } from './early-promise.ts';
import type { FailoverQuorum } from './failover-quorum.ts';
import { type LeaseHolding, unsharedLease } from './lease-holding.ts';
import type { LeaseKeeperOptions } from './lease-keeper.ts';
import { lookAtInstance } from './look.ts';
import type { PodDuties } from './pod-duties.ts';
import type { StepContext } from './step-context.ts';
import type { Upkeep } from './upkeep.ts';
import type { Watchdog } from './watchdog.ts';

/** What an instance needs because others share its Cluster; one that is alone loads none of it. */
export interface Sharing {
  readonly lease: LeaseHolding;
  readonly watchdog: Watchdog | undefined;
  /** See StepContext.mayLead. */
  readonly mayLead: (postmaster: number | undefined) => boolean;
  /** See StepContext.holdsLease. */
  readonly holdsLease: () => boolean;
  /** Undefined for one that is alone: there is nothing to keep up with. */
  readonly openUpkeep: ((statusPort: number) => Promise<Upkeep>) | undefined;
}

export interface SharingOptions {
  readonly source: ClusterSource;
  /** Its lease times hold for the life of the process (contract 03, 3.8): others count on them. */
  readonly spec: ClusterSpec;
  /** A server of an earlier manager is taken over: that one's watchdog must not stop it. */
  readonly isTakingOver: boolean;
  readonly onLeaseChange: (isStanding: boolean) => void;
  /** See LeaseKeeperOptions. */
  readonly askOthers: LeaseKeeperOptions['askOthers'];
  /** Promises of before; from the keeper on, they are its own. */
  readonly early: EarlyPromise;
  /** Takes over who promises, in the same moment in which the keeper begins; see LeaseKeeper.promise. */
  readonly onPromiser: (promise: (question: PromiseQuestion) => string | undefined) => void;
  /** What else is to be kept up to date by whoever has Secrets. */
  readonly pod: { readonly podDuties: PodDuties; readonly quorum: FailoverQuorum | undefined } | undefined;
}

export async function openSharing(step: StepContext, options: SharingOptions): Promise<Sharing> {
  const { settings, observation, libc, log, context } = step;
  const { source } = options;
  const me = settings.name;
  if (source.kind === 'standalone') {
    const always = () => true;
    return {
      lease: unsharedLease(me),
      watchdog: undefined,
      mayLead: always,
      holdsLease: always,
      openUpkeep: undefined,
    };
  }
  const { LeaseKeeper } = await import('./lease-keeper.ts');
  const { Watchdog } = await import('./watchdog.ts');
  const lease = new LeaseKeeper({
    me,
    store: source.lease,
    timings: leaseTimings(options.spec),
    clock: libc.bootTime,
    isHealthy: () => isFitToLead(observation, now()),
    askOthers: options.askOthers,
    promised: options.early.given,
    onChange: options.onLeaseChange,
    log,
  });
  options.onPromiser((question) => {
    const { currentPrimary = '', targetPrimary = '' } = step.view.latest?.cluster.status ?? {};
    const isPrimary = mightBePrimary(lookAtInstance(step).data);
    return lease.promise(question, { roles: { currentPrimary, targetPrimary }, isPrimary });
  });
  const watchdog = new Watchdog({
    children: context.children,
    dataDirectory: context.dataDirectory,
    executable: context.executable,
    patience: step.desired().policyFor('isolation').immediateSeconds * 1000,
    isTakingOver: options.isTakingOver,
    log,
  });
  const holdsLease = () => isHeld({ lease: lease.facts }, libc.bootTime());
  return {
    lease,
    watchdog,
    holdsLease,
    mayLead: (postmaster) => {
      const { fenceAt } = lease.facts;
      if (fenceAt !== undefined) watchdog.guard({ fenceAt, postmaster });
      const isAllowed = holdsLease();
      if (!isAllowed) watchdog.guard(undefined);
      return isAllowed;
    },
    openUpkeep: async (statusPort) => {
      const upkeep = await import('./upkeep.ts');
      return new upkeep.Upkeep(step, lease, { statusPort, ...options.pod });
    },
  };
}
