/** The steps by which an instance changes; src/instance/steps/ carries them out. */
export const stepNames = [
  'initialise',
  'join',
  'start',
  'promote',
  'announce',
  'stop in order',
  'stop fast',
  'stop at once',
  'compare',
  'rewind',
  'turn standby',
  'set aside',
  'point to the primary',
] as const;

export type StepName = (typeof stepNames)[number];
