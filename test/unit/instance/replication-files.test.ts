import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { followsPlan, settleReplication, turnIntoStandby } from '../../../src/instance/replication-files.ts';
import type { ReplicationPlan } from '../../../src/instance/settings.ts';
import { directoryWith } from './support.ts';

const plan = (overrideFile: string | undefined): ReplicationPlan => ({
  user: 'streaming_replica',
  password: undefined,
  applicationName: 'c-2',
  primary: undefined,
  conninfo: undefined,
  slot: undefined,
  overrideFile,
});

test('a standby follows what the plan says, and is told when that changes', () => {
  const directory = directoryWith('PG_VERSION');
  turnIntoStandby(directory, plan("primary_conninfo = 'host=a'\n"));
  expect(existsSync(join(directory, 'standby.signal'))).toBe(true);
  expect(followsPlan(directory, plan("primary_conninfo = 'host=a'\n"))).toBe(true);
  expect(followsPlan(directory, plan("primary_conninfo = 'host=b'\n"))).toBe(false);
  expect(settleReplication(directory, plan("primary_conninfo = 'host=b'\n"))).toBe(true);
  expect(settleReplication(directory, plan("primary_conninfo = 'host=b'\n"))).toBe(false);
});

test('without a known primary the old source stays', () => {
  const directory = directoryWith('PG_VERSION', 'override.conf');
  expect(settleReplication(directory, plan(undefined))).toBe(false);
  expect(followsPlan(directory, plan(undefined))).toBe(true);
  expect(readFileSync(join(directory, 'override.conf'), 'utf8')).toBe('override.conf');
});
