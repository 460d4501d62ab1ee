import type { ClusterStatus } from '../../cluster/status.ts';
import { parseLsn } from '../../postgres/lsn.ts';

/** Body of /pg/status, as far as it is shown. */
export interface StatusBody {
  readonly isPrimary?: boolean;
  readonly timeLineID?: number;
  readonly currentLsn?: string;
  readonly receivedLsn?: string;
  readonly replayLsn?: string;
  readonly isWalReceiverActive?: boolean;
  readonly systemID?: string;
  readonly replicationInfo?: ReadonlyArray<{
    readonly applicationName?: string;
    readonly state?: string;
    readonly flushLsn?: string;
    readonly syncState?: string;
  }>;
  readonly manager?: { readonly phase?: string };
}

/** The last answers of one instance. */
export interface Report {
  /** When it was asked, in milliseconds since the demo began. */
  readonly askedAt: number;
  /** Undefined when the server did not answer. */
  readonly status: StatusBody | undefined;
  /** Why there is no status, as the manager says it. */
  readonly trouble: string | undefined;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason: string | undefined;
}

/** What an instance does, and why. */
export interface Doing {
  readonly state: string;
  readonly goal: string;
  readonly text: string;
  readonly isTrouble: boolean;
}

/** Everything that is known of one instance. */
export interface InstanceFacts {
  readonly number: number;
  readonly name: string;
  readonly port: number;
  readonly process: 'running' | 'frozen' | 'ended';
  /** How the last manager ended. */
  readonly end: string;
  readonly hasServer: boolean;
  readonly report: Report | undefined;
  readonly doing: Doing | undefined;
}

/** One instance as it is shown. */
export interface InstanceView {
  readonly number: number;
  readonly name: string;
  readonly role: 'primary' | 'standby' | '-';
  readonly phase: string;
  readonly doing: string;
  readonly isTrouble: boolean;
  readonly timeline: number | undefined;
  readonly lsn: string | undefined;
  /** Bytes of WAL of the primary that are not safe here yet. */
  readonly lag: bigint | undefined;
  readonly endpoint: string;
  readonly isReady: boolean;
  /** Why it is not ready, unless `doing` says so. */
  readonly reason: string | undefined;
}

export interface LeaseView {
  /** Empty: free. */
  readonly holder: string;
  /** Milliseconds since it was last seen to change. */
  readonly age: number;
  /** Milliseconds until another may take it if it does not change any more. */
  readonly left: number;
}

/** The whole of it, for the screen. */
export interface DemoView {
  readonly at: number;
  readonly title: string;
  /** What a script says of what is going on; empty without one. */
  readonly story: string;
  /** Number of the instance that keys are for; 0: none. */
  readonly chosen: number;
  readonly instances: readonly InstanceView[];
  readonly lease: LeaseView | undefined;
  readonly cluster: Pick<ClusterStatus, 'currentPrimary' | 'targetPrimary' | 'phase'>;
  readonly writer: WriterView;
  readonly events: readonly EventView[];
}

export interface WriterView {
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly refused: number;
  /** Milliseconds. */
  readonly longestGap: number;
  /** Milliseconds since the last acknowledged row; undefined: there was none. */
  readonly since: number | undefined;
  readonly by: string | undefined;
  readonly lastError: string;
}

export interface EventView {
  readonly at: number;
  readonly who: string;
  readonly text: string;
  /** Milliseconds without an acknowledged row after what was done; undefined for what only happened. */
  readonly gap: number | undefined;
}

/**
 * One instance as it is shown. What it does not say itself is left open: the Cluster may name a primary that has no server.
 * A standby that streams is on the timeline of its source; what it says itself is that of its last restart point.
 *
 * @param primary the last status of the primary of the Cluster
 */
export function viewOf(facts: InstanceFacts, primary: StatusBody | undefined): InstanceView {
  const { number, name, port, process, report } = facts;
  const base = { number, name, endpoint: `127.0.0.1:${port}` };
  const nothing = { role: '-', timeline: undefined, lsn: undefined, lag: undefined, isReady: false } as const;
  if (process === 'ended') {
    return {
      ...base,
      ...nothing,
      phase: 'ended',
      doing: `ended: ${facts.end}`,
      isTrouble: true,
      reason: undefined,
    };
  }
  if (process === 'frozen') {
    const doing = `its manager is stopped by a signal (SIGSTOP); its server ${facts.hasServer ? 'runs on' : 'is down'}`;
    return { ...base, ...nothing, phase: 'frozen', doing, isTrouble: true, reason: 'no answer' };
  }
  const status = report?.status;
  const isPrimary = status?.isPrimary === true;
  const lsn = isPrimary ? status.currentLsn : status?.receivedLsn;
  return {
    ...base,
    role: roleOf(status),
    phase: phaseOf(report),
    doing: doingOf(facts.doing),
    isTrouble: facts.doing?.isTrouble === true,
    timeline: isStreaming(name, primary) ? primary?.timeLineID : status?.timeLineID,
    lsn,
    lag: isPrimary ? undefined : lagOf(name, status, primary),
    isReady: report?.ready === true,
    // What it does says the same already.
    reason: isSaid(report?.reason, facts.doing) ? undefined : report?.reason,
  };
}

/** Whether the primary says that this standby streams from it. */
export function isStreaming(name: string, primary: StatusBody | undefined): boolean {
  return replicationOf(name, primary)?.state === 'streaming';
}

function isSaid(reason: string | undefined, doing: Doing | undefined): boolean {
  return reason !== undefined && doing?.text.startsWith(reason) === true;
}

/** A body without a system identifier is one without a server. */
function roleOf(status: StatusBody | undefined): InstanceView['role'] {
  if ((status?.systemID ?? '') === '') return '-';
  return status?.isPrimary === true ? 'primary' : 'standby';
}

/** Without a server /pg/status is an error that names the phase. */
function phaseOf(report: Report | undefined): string {
  const named = /the instance is (\w+)/.exec(report?.trouble ?? '')?.[1];
  return report?.status?.manager?.phase ?? named ?? 'starting';
}

function doingOf(doing: Doing | undefined): string {
  return doing === undefined ? 'begins' : `${doing.text}  [${doing.state}, goal: ${doing.goal}]`;
}

/**
 * What the primary says at one moment, or, of a standby that it does not know, the difference of what both say. Another
 * history has no distance.
 */
function lagOf(
  name: string,
  status: StatusBody | undefined,
  primary: StatusBody | undefined,
): bigint | undefined {
  const known = replicationOf(name, primary)?.flushLsn;
  const isRelated = known !== undefined || status?.timeLineID === primary?.timeLineID;
  const end = parseLsn(primary?.currentLsn ?? '');
  const here = parseLsn(known ?? status?.receivedLsn ?? '');
  if (end === undefined || here === undefined || !isRelated) return undefined;
  return end > here ? end - here : 0n;
}

function replicationOf(name: string, primary: StatusBody | undefined) {
  return primary?.replicationInfo?.find((entry) => entry.applicationName === name);
}
