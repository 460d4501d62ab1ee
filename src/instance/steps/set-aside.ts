import { withoutReclone } from '../../cluster/requests.ts';
import { keepData } from '../kept-data.ts';
import type { Step } from '../step-context.ts';

/**
 * Puts the data of this instance aside, because a person asked for a new copy of the primary. Nothing is deleted: what was
 * here may be the only place that holds it.
 *
 * @throws RECLONE_IMPOSSIBLE
 */
export const setAside: Step = async ({ settings, context, view, findings, log }, signal) => {
  const { name } = settings;
  const request = view.latest?.cluster.status?.recloneRequests?.[name];
  if (request === undefined) return;
  const place = keepData(context.dataDirectory, request);
  log.warn(
    { place },
    'the data of this instance was put aside, as a person asked; remove it when it is not needed',
  );
  findings.kinship = undefined;
  findings.strandedAt = undefined;
  findings.isOnOldTimeline = false;
  await view.update((status) => withoutReclone(status, name, request), signal);
};
