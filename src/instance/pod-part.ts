import type { ClusterSource } from '../cluster/source.ts';
import type { Certificates } from './certificates.ts';
import type { FailoverQuorum } from './failover-quorum.ts';
import type { LeaseKeeperOptions } from './lease-keeper.ts';
import type { PodDuties } from './pod-duties.ts';
import type { PodSecrets } from './settings.ts';
import type { StepContext } from './step-context.ts';

/** What only an instance in a Pod has: Secrets, and others who can be asked for a promise. Loaded by nobody else. */
export interface PodPart {
  readonly certificates: Certificates;
  readonly duties: PodDuties;
  /** See LeaseKeeperOptions.askOthers. */
  readonly vouchers: (step: StepContext) => Promise<NonNullable<LeaseKeeperOptions['askOthers']>>;
}

/** @param onServerPair the certificate of this instance has changed */
export async function openPodPart(
  { reader, certificates: directory }: PodSecrets,
  onServerPair: () => void,
): Promise<PodPart> {
  const { Certificates } = await import('./certificates.ts');
  const { PodDuties } = await import('./pod-duties.ts');
  const certificates = new Certificates(directory, reader);
  return {
    certificates,
    duties: new PodDuties({ reader, certificates, onServerPair }),
    vouchers: async (step) => {
      const { Vouchers } = await import('./vouchers.ts');
      const vouchers = new Vouchers(step, () => certificates.peerTls());
      return (duration, signal) => vouchers.ask(duration, signal);
    },
  };
}

/** Where there is an operator that fails over by a quorum; undefined elsewhere. */
export async function openQuorum({ quorum }: ClusterSource): Promise<FailoverQuorum | undefined> {
  if (quorum === undefined) return undefined;
  const { FailoverQuorum } = await import('./failover-quorum.ts');
  return new FailoverQuorum(quorum);
}
