import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Kinship } from '../postgres/kinship.ts';
import { readIfPresent, syncDirectory, writeFileAtomically } from './atomic-file.ts';
import type { StepContext } from './step-context.ts';

/**
 * Stands in the PGDATA of a standby that does not belong to the history of a primary: whoever starts its manager anew after
 * that one is lost could not compare the two any more. Its text names the primary and the timeline that it was on.
 */
const foreignMark = '.foreign-standby';

/** Sets the mark, or takes it off, as a comparison with the primary has come out. @param timeline the primary's */
export function markKinship({ context, view }: StepContext, kinship: Kinship, timeline: number): void {
  const { dataDirectory } = context;
  const path = join(dataDirectory, foreignMark);
  const primary = view.latest?.cluster.status?.currentPrimary;
  if (kinship.kind === 'foreign') writeFileAtomically(path, `${primary} ${timeline}\n`);
  else if (readIfPresent(path) === undefined) return;
  else rmSync(path);
  syncDirectory(dataDirectory);
}

/**
 * Whether this instance is chosen in the place of a primary of which the mark speaks. One that is on a later timeline by now
 * began another reign since, of which the mark says nothing. One that cannot be read may speak of it. Never throws.
 */
export function isForeignTarget({ context, view, settings }: StepContext): boolean {
  const { currentPrimary, targetPrimary, timelineID = 0 } = view.latest?.cluster.status ?? {};
  if (targetPrimary !== settings.name || currentPrimary === settings.name) return false;
  try {
    const text = readIfPresent(join(context.dataDirectory, foreignMark)) ?? '';
    const [, name, timeline] = /^(\S+) (\d+)$/m.exec(text) ?? [];
    return name === currentPrimary && timelineID <= Number(timeline);
  } catch {
    return true;
  }
}
