import type { StepName } from '../../alignment/step-name.ts';

/** The steps that tell a newcomer something, in his words; the others are for those who want to see everything. */
const stories: Partial<Readonly<Record<StepName, string>>> = {
  initialise: 'makes a new database',
  join: 'copies the primary',
  promote: 'is promoted',
  'stop fast': 'stops its server',
  'stop at once': 'stops its server at once',
  rewind: 'takes back the WAL that the primary does not have (pg_rewind)',
  'turn standby': 'has nothing that the primary lacks, and becomes a standby',
  'set aside': 'puts its data aside',
};

/** Undefined for a step that is not worth a word. */
export function storyOf(step: string | undefined): string | undefined {
  return stories[step as StepName];
}
