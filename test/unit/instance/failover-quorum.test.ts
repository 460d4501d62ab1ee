import type { Client } from 'pg';
import { expect, test } from 'vitest';
import type { QuorumStatus } from '../../../src/cluster/source.ts';
import { FailoverQuorum } from '../../../src/instance/failover-quorum.ts';
import type { StepContext } from '../../../src/instance/step-context.ts';

const never = new AbortController().signal;

/** The object of the operator, and a primary c-1 whose commits wait for c-2 or c-3, which have caught up. */
function primary() {
  let object: QuorumStatus | undefined;
  let time = 0;
  const quorum = new FailoverQuorum(
    {
      write: async (status) => {
        object = status;
        return true;
      },
    },
    () => time,
  );
  const metadata = JSON.stringify({ method: 'ANY', number: 1, standbyNames: ['c-2', 'c-3'] });
  const client = {
    query: async (sql: string) =>
      sql.includes('count(') ? { rows: [{ count: 2 }] } : { rows: [{ metadata, position: '0/1' }] },
  } as unknown as Client;
  const postmaster = {};
  const stepOf = (failoverQuorum: boolean, target = 'c-1') =>
    ({
      server: { postmaster },
      settings: { name: 'c-1' },
      view: {
        latest: {
          cluster: {
            spec: { postgresql: { synchronous: { failoverQuorum } } },
            status: { currentPrimary: 'c-1', targetPrimary: target },
          },
        },
      },
    }) as unknown as StepContext;
  return {
    advertise: (isWanted: boolean, target?: string) =>
      quorum.advertise(stepOf(isWanted, target), client, never),
    deny: () => quorum.deny(stepOf(true), never),
    told: () => object?.standbyNames,
    /** The operator takes the object away and makes it anew. */
    remake: () => {
      object = undefined;
    },
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

const standbys = ['c-2', 'c-3'];

test('a quorum that was off for a while is told again', async () => {
  const { advertise, told, remake } = primary();
  await advertise(true);
  expect(told()).toEqual(standbys);
  await advertise(false);
  remake();
  await advertise(true);
  expect(told()).toEqual(standbys);
});

test('nor is it taken to stand there still after another one was chosen', async () => {
  const { advertise, told, remake } = primary();
  await advertise(true);
  await advertise(true, 'c-2');
  remake();
  await advertise(true);
  expect(told()).toEqual(standbys);
});

test('an object that was made anew is found by the next regular pass, which comes after 30 s', async () => {
  const { advertise, told, remake, pass } = primary();
  await advertise(true);
  remake();
  pass(1_000);
  await advertise(true);
  expect(told()).toBeUndefined();
  pass(29_000);
  await advertise(true);
  expect(told()).toEqual(standbys);
});

test('it is taken back whatever was told last', async () => {
  const { advertise, deny, told } = primary();
  await advertise(true);
  await deny();
  expect(told()).toBeUndefined();
});
