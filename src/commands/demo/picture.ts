import type { ClusterStatus } from '../../cluster/status.ts';
import type { Entry } from './chronicle.ts';
import { type DemoView, type InstanceFacts, type LeaseView, viewOf } from './view.ts';
import type { Writer } from './writer.ts';

/** What a picture is made from. */
export interface PictureParts {
  readonly at: number;
  readonly title: string;
  readonly chosen: number;
  readonly facts: readonly InstanceFacts[];
  readonly status: ClusterStatus;
  readonly lease: LeaseView | undefined;
  readonly writer: Pick<Writer, 'gaps' | 'count' | 'unanswered' | 'refused' | 'lastError'>;
  readonly entries: readonly Entry[];
}

/** Everything at one moment, for the screen. */
export function pictureOf(parts: PictureParts): DemoView {
  const { at, title, chosen, facts, status, lease, writer, entries } = parts;
  const primary = facts.find(({ name }) => name === status.currentPrimary)?.report?.status;
  const { gaps, count, unanswered, refused, lastError } = writer;
  return {
    at,
    title,
    story: entries.findLast(({ who }) => who === '')?.text ?? '',
    chosen,
    instances: facts.map((each) => viewOf(each, primary)),
    lease,
    cluster: status,
    writer: {
      acknowledged: count,
      unanswered,
      refused,
      longestGap: gaps.longest,
      since: gaps.last === undefined ? undefined : at - gaps.last.at,
      by: gaps.last?.by,
      lastError,
    },
    events: entries
      .filter(({ isDetail, who }) => !isDetail && who !== '')
      .map((entry) => ({
        at: entry.at,
        who: entry.who,
        text: entry.text,
        gap: entry.gap === undefined ? undefined : gaps.soFar(entry.gap, at),
      })),
  };
}
