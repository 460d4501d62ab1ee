import type { Client } from 'pg';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { StepContext } from '../../../../src/instance/step-context.ts';
import { SlotUpkeep } from '../../../../src/instance/upkeep/slots.ts';

const step = {
  settings: { name: 'c-1' },
  view: { latest: { cluster: { spec: { instances: 3 }, status: { instanceNames: ['c-1', 'c-2', 'c-3'] } } } },
  observation: {},
  log: pino({ enabled: false }),
} as unknown as StepContext;

const { signal } = new AbortController();

/** A server with these slots, which refuses what `refuses` names. */
function serverWith(slots: ReadonlyArray<{ name: string; active: boolean }>, refuses: readonly string[]) {
  const done: string[] = [];
  const query = async (sql: string, [name = ''] = ['']) => {
    if (sql.includes('FROM pg_replication_slots')) {
      return { rows: slots.map((slot) => ({ ...slot, restart_lsn: null, holds_xmin: false, lost: false })) };
    }
    if (refuses.includes(name)) throw new Error(`replication slot "${name}" is refused`);
    done.push(name);
    return { rows: [] };
  };
  return { client: { query } as unknown as Client, done };
}

test('one slot that is refused does not keep the others from being settled, and is told of', async () => {
  const gone = [
    { name: '_cnpg_c_8', active: false },
    { name: '_cnpg_c_9', active: false },
  ];
  const { client, done } = serverWith(gone, ['_cnpg_c_8', '_cnpg_c_2']);
  await expect(new SlotUpkeep().settle(client, step, true, signal)).rejects.toThrow(
    'replication slot "_cnpg_c_8" is refused; replication slot "_cnpg_c_2" is refused',
  );
  expect(done).toEqual(['_cnpg_c_9', '_cnpg_c_3']);
});

test.each([
  ['file', ['c-1'], []],
  ['file', ['c-1', 'c-2', 'c-3'], ['_cnpg_c_9']],
  ['kubernetes', ['c-1'], ['_cnpg_c_2', '_cnpg_c_9']],
])('with a %s that names %j the slots %j are dropped', async (kind, instanceNames, dropped) => {
  const view = { kind, latest: { cluster: { spec: { instances: 3 }, status: { instanceNames } } } };
  const slots = ['_cnpg_c_2', '_cnpg_c_9'].map((name) => ({ name, active: false }));
  const { client, done } = serverWith(slots, []);
  await new SlotUpkeep().settle(client, { ...step, view } as unknown as StepContext, true, signal);
  expect(done.filter((name) => slots.some((slot) => slot.name === name))).toEqual(dropped);
});

test('one that is to go and still in use is waited for', async () => {
  const upkeep = new SlotUpkeep();
  await upkeep.settle(serverWith([{ name: '_cnpg_c_9', active: true }], []).client, step, true, signal);
  expect(upkeep.isWaiting).toBe(true);
  await upkeep.settle(serverWith([], []).client, step, true, signal);
  expect(upkeep.isWaiting).toBe(false);
});

test('what is called off goes no further than the slot that it is at', async () => {
  const gone = ['_cnpg_c_8', '_cnpg_c_9'].map((name) => ({ name, active: false }));
  const { client, done } = serverWith(gone, []);
  const late = new AbortController();
  const query = async (sql: string, values?: string[]) => {
    if (sql.includes('drop')) late.abort(new Error('the time is over'));
    return client.query(sql, values);
  };
  const settled = new SlotUpkeep().settle({ query } as unknown as Client, step, true, late.signal);
  await expect(settled).rejects.toThrow('the time is over');
  expect(done).toEqual(['_cnpg_c_8']);
});
