import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonlogTransformer } from '../../../src/logs/jsonlog.ts';
import { cut, transform } from './support.ts';

const run = (text: string | Buffer, options = {}) =>
  transform((o) => new JsonlogTransformer(o), [Buffer.from(text)], options);

/** A record as PostgreSQL 15 writes it. */
const sample =
  '{"timestamp":"2026-03-01 10:15:02.120 UTC","user":"app","dbname":"shop","pid":812,"remote_host":"10.0.3.7",' +
  '"remote_port":51234,"session_id":"65e1ab10.32c","line_num":1,"ps":"SELECT","session_start":"2026-03-01 10:14:56 UTC",' +
  '"vxid":"5/12","txid":0,"error_severity":"ERROR","state_code":"42601","message":"syntax error at or near \\"selecc\\"",' +
  '"statement":"selecc\\n1","cursor_position":1,"func_name":"scanner_yyerror","file_name":"scan.l","file_line_num":1176,' +
  '"application_name":"psql","backend_type":"client backend","query_id":0}\n';

describe('a record', () => {
  test('takes the names of csvlog, all values as text', () => {
    const { lines, counted } = run(sample, { pod: 'pg-1' });
    expect(counted).toBe(1);
    expect(lines[0]).toMatchObject({ level: 'info', logger: 'postgres', msg: 'record', logging_pod: 'pg-1' });
    expect(Object.keys(lines[0]!)).toEqual(['level', 'ts', 'logger', 'msg', 'logging_pod', 'record']);
    expect(lines[0]!.record).toEqual({
      log_time: '2026-03-01 10:15:02.120 UTC',
      user_name: 'app',
      database_name: 'shop',
      process_id: '812',
      connection_from: '10.0.3.7:51234',
      session_id: '65e1ab10.32c',
      session_line_num: '1',
      command_tag: 'SELECT',
      session_start_time: '2026-03-01 10:14:56 UTC',
      virtual_transaction_id: '5/12',
      transaction_id: '0',
      error_severity: 'ERROR',
      sql_state_code: '42601',
      message: 'syntax error at or near "selecc"',
      query: 'selecc\n1',
      query_pos: '1',
      location: 'scanner_yyerror, scan.l:1176',
      application_name: 'psql',
      backend_type: 'client backend',
      query_id: '0',
    });
  });
  test('without a port or a function', () => {
    const line =
      '{"timestamp":"t","pid":1,"remote_host":"[local]","session_id":"s","error_severity":"LOG","message":"m","file_name":"a.c","file_line_num":3}\n';
    expect(run(line).lines[0]!.record).toMatchObject({
      connection_from: '[local]',
      location: 'a.c:3',
      sql_state_code: '00000',
    });
  });
  test('leaves out what is empty', () => {
    expect(
      run('{"timestamp":"t","ps":"","error_severity":"LOG","message":"m"}\n').lines[0]!.record,
    ).not.toHaveProperty('command_tag');
  });
  test('passes keys of later releases through', () => {
    const line = '{"timestamp":"t","error_severity":"LOG","message":"m","new_key":7,"other_key":"x"}\n';
    expect(run(line).lines[0]!.record).toMatchObject({ new_key: '7', other_key: 'x' });
  });
  test("of the supervisor's interest is handed over", () => {
    const line = (severity: string, backend: string) =>
      `{"timestamp":"t","error_severity":"${severity}","message":"m","backend_type":"${backend}"}\n`;
    const text = [
      line('LOG', 'client backend'),
      line('FATAL', 'client backend'),
      line('PANIC', 'checkpointer'),
      line('LOG', 'startup'),
      line('LOG', 'walreceiver'),
      line('LOG', 'postmaster'),
      line('LOG', 'walsender'),
      line('LOG', 'archiver'),
    ].join('');
    const seen = run(text).notable.map((record) => `${record.error_severity} ${record.backend_type}`);
    expect(seen).toEqual([
      'FATAL client backend',
      'PANIC checkpointer',
      'LOG startup',
      'LOG walreceiver',
      'LOG postmaster',
    ]);
  });
  test('is hidden by the level, but still looked at', () => {
    const { lines, notable } = run('{"timestamp":"t","error_severity":"FATAL","message":"m"}\n', {
      isShown: false,
    });
    expect([lines.length, notable.length]).toEqual([0, 1]);
  });
});

describe('pgaudit', () => {
  const line = (message: string) =>
    `{"timestamp":"t","error_severity":"LOG","message":${JSON.stringify(message)}}\n`;
  test('is split out', () => {
    const [first] = run(line('AUDIT: SESSION,1,1,READ,SELECT,,,"select ""a"",\n1",<not logged>')).lines;
    expect(first!.logger).toBe('pgaudit');
    expect(first!.record).toEqual({
      log_time: 't',
      error_severity: 'LOG',
      sql_state_code: '00000',
      audit: {
        audit_type: 'SESSION',
        statement_id: '1',
        substatement_id: '1',
        class: 'READ',
        command: 'SELECT',
        statement: 'select "a",\n1',
        parameter: '<not logged>',
      },
    });
  });
  test('with rows', () => {
    const [first] = run(line('AUDIT: OBJECT,2,1,WRITE,INSERT,TABLE,public.t,insert,none,17')).lines;
    expect(first!.record!.audit).toMatchObject({ object_name: 'public.t', rows: '17' });
  });
  test.each(['AUDIT: not enough', 'AUDIT: a,b,c,d,e,f,g,"h,i', 'AUDIT:SESSION,1,1,READ,SELECT,,,x,y'])(
    '%s stays a record',
    (text) => {
      const [first] = run(line(text)).lines;
      expect(first).toMatchObject({ logger: 'postgres', record: { message: text } });
    },
  );
});

describe('what is no record', () => {
  test.each(['not json', '[1,2]', '{"a":1', '"text"', '{"timestamp":"t"}', 'null'])(
    '%s passes through, marked',
    (text) => {
      const { lines, counted } = run(`${text}\n`);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject({
        msg: text,
        malformed: true,
        source: '/log/server',
        logger: 'postgres',
      });
      expect(counted).toBe(1);
    },
  );
  test('a last line without its end', () => {
    expect(run(sample.trimEnd()).lines[0]!.record).toMatchObject({ user_name: 'app' });
    expect(run(sample.slice(0, 100)).lines[0]).toMatchObject({ malformed: true });
  });
  test('blank lines vanish and CR LF ends a line', () => {
    const { lines } = run(`\n\r\n${sample.replace('\n', '\r\n')}\n`);
    expect(lines.map((line) => line.record?.user_name)).toEqual(['app']);
  });
  test('NUL bytes and control characters', () => {
    const { lines } = run(`${sample.slice(0, 60)}\u0000${sample.slice(60)}`);
    expect(lines[0]).toMatchObject({ malformed: true });
  });
  test('bytes that are no UTF-8 are replaced, and the line says so', () => {
    const latin = Buffer.from(sample.replace('selecc', 'é'), 'latin1');
    const { lines } = run(Buffer.concat([latin, Buffer.from(sample)]));
    expect(lines[0]).toMatchObject({
      invalid_utf8: true,
      record: { message: 'syntax error at or near "\ufffd"' },
    });
    expect(lines[1]).not.toHaveProperty('invalid_utf8');
  });
  test('records that are glued together or torn apart', () => {
    const { lines } = run(`${sample.trimEnd()}${sample}${sample.slice(40)}${sample}`);
    expect(lines.map((line) => line.malformed ?? false)).toEqual([true, true, false]);
  });
});

describe('size', () => {
  test('a statement of five megabytes is whole', () => {
    const statement = 'x'.repeat(5 * 1024 * 1024);
    const text = sample.replace('selecc\\n1', statement);
    const { lines } = run(text);
    expect(lines[0]!.record!.query).toBe(statement);
  });
  test('beyond the bound a record is cut, counted and passed over', () => {
    const long = sample.replace('selecc\\n1', 'y'.repeat(300_000));
    const chunks = cut(Buffer.from(long + sample), [65_536, 131_072, 196_608, 262_144]);
    const { lines } = transform((o) => new JsonlogTransformer(o), chunks, { maxRecordBytes: 100_000 });
    expect(lines[0]).toMatchObject({ truncated: true, record_bytes: long.length - 1 });
    expect(lines[0]!.msg).toHaveLength(65_536);
    expect(lines[1]!.record).toMatchObject({ user_name: 'app' });
  });
});

test('any text in any field comes out as it went in, however the stream is cut', () => {
  const value = fc.string({ unit: 'grapheme', minLength: 1 });
  const record = fc.record({
    timestamp: fc.constant('2026-03-01 10:15:02.120 UTC'),
    user: value,
    pid: fc.nat(),
    error_severity: fc.constantFrom('LOG', 'ERROR', 'FATAL'),
    state_code: fc.constant('42601'),
    message: value,
    statement: value,
  });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), fc.array(fc.nat()), (records, places) => {
      const bytes = Buffer.from(records.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
      const { lines, notable } = transform((o) => new JsonlogTransformer(o), cut(bytes, places));
      const wanted = records.filter((entry) => !entry.message.startsWith('AUDIT: '));
      expect(lines.map((line) => line.record)).toEqual(
        records.map((entry) => ({
          log_time: entry.timestamp,
          user_name: entry.user,
          process_id: String(entry.pid),
          error_severity: entry.error_severity,
          sql_state_code: '42601',
          message: entry.message,
          query: entry.statement,
        })),
      );
      expect(notable).toHaveLength(wanted.filter((entry) => entry.error_severity === 'FATAL').length);
    }),
    { numRuns: 2000 },
  );
});

test('whatever bytes come, every line is JSON, nothing throws, and the cuts do not matter', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.constant(Buffer.from(sample)),
    fc.constant(Buffer.from('\n')),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 6 }), (pieces, places) => {
      const bytes = Buffer.concat(pieces);
      const whole = transform((o) => new JsonlogTransformer(o), [bytes]).lines;
      const parts = transform((o) => new JsonlogTransformer(o), cut(bytes, places)).lines;
      const withoutTime = (lines: object[]) => lines.map((line) => ({ ...line, ts: '' }));
      expect(withoutTime(parts)).toEqual(withoutTime(whole));
    }),
    { numRuns: 2000 },
  );
});
