import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CsvlogTransformer } from '../../../src/logs/csvlog.ts';
import { csvFields } from '../../../src/logs/record-fields.ts';
import { cut, transform } from './support.ts';

const run = (text: string | Buffer, options = {}) =>
  transform((o) => new CsvlogTransformer(o), [Buffer.from(text)], options);

const time = '2026-03-01 10:15:02.120 UTC';
/** A record with 26 columns, of which the message can be chosen. */
const sample = (message: string, columns = 26) => {
  const fields = [
    time,
    '"app"',
    '"shop"',
    '812',
    '"10.0.3.7:51234"',
    '65e1ab10.32c',
    '1',
    '"idle"',
    '2026-03-01 10:14:56 UTC',
    '5/12',
    '0',
    'ERROR',
    '42601',
    `"${message}"`,
  ];
  const rest = ['', '', '', '', '', '"selecc 1"', '1', '', '"psql"', '"client backend"', '', '0'];
  return `${[...fields, ...rest].slice(0, columns).join(',')}\n`;
};

describe('a record', () => {
  test('of release 14 and later', () => {
    const { lines } = run(sample('said ""no""'));
    expect(lines[0]!.record).toEqual({
      log_time: time,
      user_name: 'app',
      database_name: 'shop',
      process_id: '812',
      connection_from: '10.0.3.7:51234',
      session_id: '65e1ab10.32c',
      session_line_num: '1',
      command_tag: 'idle',
      session_start_time: '2026-03-01 10:14:56 UTC',
      virtual_transaction_id: '5/12',
      transaction_id: '0',
      error_severity: 'ERROR',
      sql_state_code: '42601',
      message: 'said "no"',
      query: 'selecc 1',
      query_pos: '1',
      application_name: 'psql',
      backend_type: 'client backend',
      query_id: '0',
    });
  });
  test.each([23, 24, 26])('with %i columns', (columns) => {
    expect(run(sample('m', columns)).lines[0]!.record).toMatchObject({ application_name: 'psql' });
  });
  test.each([22, 25])('not with %i columns', (columns) => {
    expect(run(sample('m', columns)).lines[0]).toMatchObject({ malformed: true });
  });
  test('over several lines', () => {
    expect(run(sample('one\ntwo\r\n\tthree')).lines[0]!.record).toMatchObject({
      message: 'one\ntwo\r\n\tthree',
    });
  });
  test('of pgaudit', () => {
    const [line] = run(sample('AUDIT: SESSION,1,1,READ,SELECT,,,""select 1"",<none>')).lines;
    expect(line).toMatchObject({ logger: 'pgaudit', record: { audit: { statement: 'select 1' } } });
    expect(line!.record).not.toHaveProperty('message');
  });
  test('that is FATAL or of the startup process is handed over', () => {
    expect(run(sample('m').replace('ERROR', 'FATAL')).notable).toHaveLength(1);
    expect(run(sample('m').replace('client backend', 'startup')).notable).toHaveLength(1);
    expect(run(sample('m')).notable).toHaveLength(0);
  });
});

describe('after something that is no record it goes on with the next one', () => {
  test('rubbish between records', () => {
    const { lines } = run(`${sample('a')}rubbish, and more\n${sample('b')}`);
    expect(lines.map((line) => line.record?.message ?? line.malformed)).toEqual(['a', true, 'b']);
  });
  test('a quote that is never closed', () => {
    const { lines } = run(`${time},"app,broken\n${sample('b')}${sample('c')}`);
    expect(lines.map((line) => line.record?.message ?? line.malformed)).toEqual([true, 'b', 'c']);
  });
  test('an end inside of quotes', () => {
    expect(run(sample('a').slice(0, 120)).lines[0]).toMatchObject({ malformed: true });
  });
});

test('Latin-1 is replaced and marked', () => {
  const { lines } = run(
    Buffer.concat([Buffer.from(sample('caf\u00e9'), 'latin1'), Buffer.from(sample('café'))]),
  );
  expect(lines[0]).toMatchObject({ invalid_utf8: true, record: { message: 'caf\ufffd' } });
  expect(lines[1]).toMatchObject({ record: { message: 'café' } });
});

test('five megabytes of quotes and backslashes, the worst that escaping can meet', () => {
  const message = '"\\'.repeat(2_500_000);
  const { lines } = run(sample(message.replaceAll('"', '""')));
  expect(lines[0]!.record!.message).toBe(message);
});

test('agrees with csv-parse, however the stream is cut', () => {
  const value = fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', '\\', 'a', 'é', '\t', '\u0001', '😀', ' '),
  });
  const row = fc.array(value, { minLength: 25, maxLength: 25 });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), fc.array(fc.nat()), (rows, places) => {
      const text = rows
        .map((values) => [time, ...values].map((field) => `"${field.replaceAll('"', '""')}"`).join(','))
        .map((line) => `${line}\n`)
        .join('');
      const oracle = (parse(text, { record_delimiter: '\n' }) as string[][]).map((values) =>
        Object.fromEntries(
          csvFields.map((name, index) => [name, values[index]]).filter(([, field]) => field !== ''),
        ),
      );
      const { lines } = transform((o) => new CsvlogTransformer(o), cut(Buffer.from(text), places));
      expect(lines.map((line) => line.record)).toEqual(oracle);
    }),
    { numRuns: 1000 },
  );
});

test('whatever bytes come, every line is JSON and nothing throws', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(Buffer.from(sample('x')), Buffer.from('"'), Buffer.from('\n')),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 10 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (pieces, places) => {
        const bytes = Buffer.concat(pieces);
        const { lines, counted } = transform((o) => new CsvlogTransformer(o), cut(bytes, places));
        expect(lines).toHaveLength(counted);
      },
    ),
    { numRuns: 2000 },
  );
});
