import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshObservation } from '../../../src/alignment/observation.ts';
import type { ClusterStatus } from '../../../src/cluster/status.ts';
import { now } from '../../../src/instance/deadline.ts';
import { markKinship } from '../../../src/instance/foreign-mark.ts';
import { lookAtInstance } from '../../../src/instance/look.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';
import type { Kinship } from '../../../src/postgres/kinship.ts';
import { directoryWith } from './support.ts';

/** A standby of c-1 whose manager has begun anew, and has compared nothing yet. */
function standby() {
  const dataDirectory = directoryWith('PG_VERSION', 'standby.signal');
  let status: ClusterStatus = { currentPrimary: 'c-1', targetPrimary: 'c-1', timelineID: 5 };
  const step = {
    settings: { name: 'c-2' },
    context: { dataDirectory },
    server: { postmaster: {} },
    view: {
      kind: 'file',
      get latest() {
        return { cluster: { status } };
      },
    },
    observation: freshObservation(now()),
    findings: { kinship: undefined, isPromoting: false },
    desired: () => ({ replication: undefined }),
  } as unknown as StepContext;
  return {
    dataDirectory,
    mark: (kinship: Kinship, timeline = 5) => markKinship(step, kinship, timeline),
    names: () => readdirSync(dataDirectory),
    seen: (change: ClusterStatus) => {
      status = { ...status, ...change };
      return lookAtInstance(step).kinship;
    },
  };
}

const foreign: Kinship = { kind: 'foreign', why: 'it has more' };
const chosen: ClusterStatus = { targetPrimary: 'c-2' };

test('a standby that was found to be foreign to the lost primary is so for the next manager when it is chosen', () => {
  const { mark, seen } = standby();
  mark(foreign);
  // It is compared anew as long as it is to follow.
  expect(seen({})).toBe('unknown');
  expect(seen({ targetPrimary: 'pending' })).toBe('unknown');
  expect(seen(chosen)).toBe('foreign');
});

test('it holds for one primary and its present reign', () => {
  const { mark, seen } = standby();
  mark(foreign);
  expect(seen({ ...chosen, timelineID: 6 })).toBe('unknown');
  expect(seen({ currentPrimary: 'c-3', timelineID: 5 })).toBe('unknown');
  // The status may be older than what was compared.
  mark(foreign, 7);
  expect(seen({ timelineID: 6 })).toBe('foreign');
  expect(seen({ currentPrimary: 'c-2' })).toBe('unknown');
});

test('a mark that cannot be read is not taken for absent', () => {
  const { seen, dataDirectory } = standby();
  mkdirSync(join(dataDirectory, '.foreign-standby'));
  expect(seen(chosen)).toBe('foreign');
});

test('another comparison takes it off', () => {
  const { mark, seen, names } = standby();
  mark(foreign);
  mark({ kind: 'straight' });
  expect(seen(chosen)).toBe('unknown');
  expect(names().filter((name) => name.startsWith('.'))).toEqual([]);
});
