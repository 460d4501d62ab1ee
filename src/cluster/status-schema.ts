import type { FieldType } from './field-type.ts';

const text: FieldType = { kind: 'text' };
const texts: FieldType = { kind: 'texts' };
const boolean: FieldType = { kind: 'boolean' };
const number: FieldType = { kind: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const port: FieldType = { kind: 'integer', minimum: 0, maximum: 65_535 };
const map = (values: FieldType): FieldType => ({ kind: 'map', values });
const open = (fields: Record<string, FieldType>, ...required: string[]): FieldType => ({
  kind: 'object',
  isOpen: true,
  fields,
  required,
});

const reportedState = open(
  {
    isPrimary: boolean,
    timeLineID: number,
    ip: text,
    port,
    statusPort: port,
    data: text,
    phase: text,
    receivedLsn: text,
    pendingRestart: boolean,
    configurationHash: text,
    refusal: open({ goal: text, why: text }, 'goal', 'why'),
  },
  'isPrimary',
);

/** The status as far as it is read (see status.ts); an operator keeps much more in it. */
export const statusSchema: FieldType = open({
  recloneRequests: map(text),
  forgetRequests: map(text),
  currentPrimary: text,
  currentPrimaryTimestamp: text,
  targetPrimary: text,
  targetPrimaryTimestamp: text,
  phase: text,
  phaseReason: text,
  instanceNames: texts,
  instancesStatus: map(texts),
  instancesReportedState: map(reportedState),
  timelineID: number,
  topology: open({ instances: map(map(text)), nodesUsed: number, successfullyExtracted: boolean }),
});
