import { type PromiseQuestion, votersOf } from '../alignment/vouching.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { memberNames } from '../cluster/members.ts';
import type { Logger } from '../logs/manager-log.ts';
import type { FailsafePeer } from '../server/failsafe.ts';
import type { PeerTls } from '../server/peer-certificate.ts';
import { now } from './deadline.ts';
import type { StepContext } from './step-context.ts';

/** Port of the status server in every Pod (contract 02, 1). */
const statusPort = 8000;
/** Milliseconds (contract 02, 5.1). */
const defaultPatience = 1_000;

/** Asks all other instances for their promise while the store of the lease cannot be reached (src/alignment/vouching.ts). */
export class Vouchers {
  readonly #step: Pick<StepContext, 'view' | 'observation' | 'settings' | 'log'>;
  readonly #tls: () => PeerTls | undefined;
  #said = '';

  /** @param tls what instances know each other by; undefined: nobody can be asked */
  constructor(
    step: Pick<StepContext, 'view' | 'observation' | 'settings' | 'log'>,
    tls: () => PeerTls | undefined,
  ) {
    this.#step = step;
    this.#tls = tls;
  }

  /**
   * Whether all of them have promised. Never rejects.
   *
   * @param duration milliseconds that each is not to lead
   */
  async ask(duration: number, signal: AbortSignal): Promise<boolean> {
    const { view, observation, settings } = this.#step;
    const cluster = view.latest?.cluster;
    if (cluster === undefined) return false;
    const me = settings.name;
    const voters = votersOf({
      me,
      members: memberNames(cluster),
      streaming: observation.streaming,
      wanted: cluster.spec.instances ?? 1,
    });
    if (voters === undefined) return this.#say('nobody can tell who else could lead', false);
    if (voters.length === 0) return this.#say('there is nobody else who could lead', true);
    const peers = voters.flatMap((name) => peerOf(cluster, name) ?? []);
    const tls = this.#tls();
    if (peers.length < voters.length || tls === undefined) {
      return this.#say('not all others can be asked', false);
    }
    return this.#askEach(cluster, { holder: me, duration }, peers, tls, signal);
  }

  async #askEach(
    cluster: Cluster,
    question: Omit<PromiseQuestion, 'giver'>,
    peers: readonly FailsafePeer[],
    tls: PeerTls,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { observation } = this.#step;
    const { enabled = true, requestTimeout = defaultPatience } =
      cluster.spec.probes?.liveness?.isolationCheck ?? {};
    const { askForPromise } = await import('../server/failsafe.ts');
    const limited = AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)]);
    const answers = await Promise.all(
      peers.map(async (peer) => ({ peer, ...(await askForPromise(peer, question, tls, limited)) })),
    );
    if (enabled && answers.every(({ isReachable }) => !isReachable)) observation.isolatedAt = now();
    const refusals = answers.filter(({ isPromised }) => !isPromised);
    const why = refusals.map(({ peer, why: reason }) => `${peer.name}: ${reason}`).join('; ');
    return this.#say(why || 'all others have promised not to lead', refusals.length === 0);
  }

  /** The same is said once. */
  #say(text: string, isPromised: boolean): boolean {
    const log: Logger = this.#step.log;
    if (text !== this.#said) {
      if (isPromised) log.warn(`the lease cannot be renewed; the server goes on: ${text}`);
      else log.error(`the lease cannot be renewed; the server will be stopped: ${text}`);
    }
    this.#said = text;
    return isPromised;
  }
}

function peerOf({ status }: Cluster, name: string): FailsafePeer | undefined {
  const reported = status?.instancesReportedState?.[name];
  if (reported?.ip === undefined || reported.ip === '') return undefined;
  return { name, host: reported.ip, port: reported.statusPort ?? statusPort };
}
