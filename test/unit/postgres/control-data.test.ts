import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enforcedParameters, parseControlData } from '../../../src/postgres/control-data.ts';

const text = `pg_control version number:            1300
Database cluster state:               in archive recovery
pg_control last modified:             Wed 25 Nov 2026 07:15:38 PM UTC
Latest checkpoint's REDO WAL file:    000000010000000000000002
WARNING: something without a value
nothing at all
max_connections setting:              300
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           0
max_locks_per_xact setting:           128
`;

test('the lines of pg_controldata, split at the first colon', () => {
  const data = parseControlData(text);
  expect(data.get('Database cluster state')).toBe('in archive recovery');
  expect(data.get('pg_control last modified')).toBe('Wed 25 Nov 2026 07:15:38 PM UTC');
  expect(data.has('nothing at all')).toBe(false);
});

describe('enforced parameters', () => {
  const enforced = (parameters: Record<string, string>) =>
    Object.fromEntries(enforcedParameters(parseControlData(text), parameters));
  test('what the Cluster does not name counts with its default', () => {
    expect(enforced({})).toEqual({ max_connections: '300', max_locks_per_transaction: '128' });
  });
  test('what is less is raised, what is more is left alone', () => {
    expect(
      enforced({ max_connections: '300', max_locks_per_transaction: '64', max_wal_senders: '9' }),
    ).toEqual({ max_locks_per_transaction: '128', max_wal_senders: '10' });
    expect(enforced({ max_connections: '500', max_locks_per_transaction: '1000' })).toEqual({});
  });
  test('names do not care for case, numbers may be hexadecimal, and rubbish is for PostgreSQL to refuse', () => {
    expect(enforced({ Max_Connections: '400', max_locks_per_transaction: '0x80' })).toEqual({});
    expect(enforced({ max_connections: 'many', max_locks_per_transaction: '128' })).toEqual({});
  });
  test('no control data, nothing to enforce', () => {
    expect(enforcedParameters(new Map(), {})).toEqual(new Map());
  });
  test('with what is enforced nothing is left to enforce', () => {
    const names = ['max_connections', 'max_wal_senders', 'max_worker_processes'];
    const value = fc.nat(1000).map(String);
    const chosen = fc.dictionary(fc.constantFrom(...names), value);
    fc.assert(
      fc.property(chosen, value, (parameters, recorded) => {
        const data = new Map(names.map((name) => [`${name} setting`, recorded]));
        const raised = enforcedParameters(data, parameters);
        expect(enforcedParameters(data, { ...parameters, ...Object.fromEntries(raised) })).toEqual(new Map());
        for (const [name, number] of raised)
          expect(Number(number)).toBeGreaterThan(Number(parameters[name] ?? 0));
      }),
    );
  });
});
