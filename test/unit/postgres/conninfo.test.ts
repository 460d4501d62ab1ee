import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyName, primaryConninfo, renderConninfo, toolConninfo } from '../../../src/postgres/conninfo.ts';
import { overrideSettings } from '../../../src/postgres/override-file.ts';
import { renderSettingLines } from '../../../src/postgres/settings-file.ts';

/** As libpq reads a connection string (fe-connect.c, conninfo_parse). */
function parse(text: string): Array<[string, string]> {
  const found: Array<[string, string]> = [];
  let at = 0;
  while (at < text.length) {
    const equals = text.indexOf('=', at);
    const keyword = text.slice(at, equals);
    let value = '';
    at = equals + 1;
    const isQuoted = text[at] === "'";
    if (isQuoted) at += 1;
    while (at < text.length && (isQuoted ? text[at] !== "'" : !/\s/.test(text[at]!))) {
      if (text[at] === '\\') at += 1;
      value += text[at] ?? '';
      at += 1;
    }
    at += isQuoted ? 2 : 1;
    found.push([keyword, value]);
  }
  return found;
}

describe('a connection string', () => {
  test('quotes only what needs it', () => {
    expect(
      renderConninfo([
        ['host', '/run/postgresql'],
        ['password', "it's \\"],
        ['options', '-c x=y'],
        ['dbname', ''],
      ]),
    ).toBe("host=/run/postgresql password='it\\'s \\\\' options='-c x=y' dbname=''");
  });
  test('is read by libpq as it was meant', () => {
    const value = fc.string({ unit: fc.constantFrom("'", '\\', ' ', '\n', '\t', '=', 'a', 'é') });
    const keyword = fc.stringMatching(/^[a-z_]{1,8}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(keyword, value)), (parameters) => {
        expect(parse(renderConninfo(parameters))).toEqual(parameters);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('primary_conninfo', () => {
  const kubernetes = {
    host: 'cluster-example-rw',
    port: 5432,
    user: 'streaming_replica',
    applicationName: 'cluster-example-2',
    tls: {
      key: '/controller/certificates/streaming_replica.key',
      cert: '/controller/certificates/streaming_replica.crt',
      rootCert: '/controller/certificates/server-ca.crt',
    },
    tcpUserTimeoutMs: 5000,
  };
  test('is that of the contract, byte for byte (7.2)', () => {
    expect(primaryConninfo(kubernetes)).toBe(
      'host=cluster-example-rw user=streaming_replica port=5432 sslkey=/controller/certificates/streaming_replica.key ' +
        'sslcert=/controller/certificates/streaming_replica.crt sslrootcert=/controller/certificates/server-ca.crt ' +
        "application_name=cluster-example-2 sslmode=verify-ca dbname=postgres tcp_user_timeout='5000'",
    );
  });
  test('on one machine a password comes from a file', () => {
    const target = { ...kubernetes, host: '127.0.0.1', tls: undefined, passfile: '/run/my cluster/pgpass' };
    expect(primaryConninfo(target)).toBe(
      "host=127.0.0.1 user=streaming_replica port=5432 passfile='/run/my cluster/pgpass' " +
        "application_name=cluster-example-2 sslmode=disable dbname=postgres tcp_user_timeout='5000'",
    );
  });
});

describe('the connection of a program', () => {
  test('has a name that no synchronous standby has, and waits for nobody (3.7)', () => {
    const conninfo = toolConninfo('host=a application_name=demo-2 sslmode=disable', copyName('demo-2'));
    expect(Object.fromEntries(parse(conninfo))).toMatchObject({
      application_name: 'demo-2-join',
      connect_timeout: '5',
      options: '-c wal_sender_timeout=5min',
      keepalives_idle: '10',
    });
  });
});

describe('override.conf', () => {
  test('doubles the quotes of the connection string (7.1, 7.2)', () => {
    const settings = overrideSettings({
      conninfo: "host=a tcp_user_timeout='5000'",
      slot: '_cnpg_cluster_example_2',
      restoreCommand: '/controller/manager wal-restore --log-destination /controller/log/postgres.json %f %p',
    });
    expect(renderSettingLines(settings)).toBe(
      "primary_conninfo = 'host=a tcp_user_timeout=''5000'''\n" +
        "primary_slot_name = '_cnpg_cluster_example_2'\n" +
        "recovery_target_timeline = 'latest'\n" +
        "restore_command = '/controller/manager wal-restore --log-destination /controller/log/postgres.json %f %p'\n",
    );
  });
  test('leaves out what there is not', () => {
    const settings = { conninfo: 'host=a', slot: undefined, restoreCommand: undefined };
    expect([...overrideSettings(settings).keys()]).toEqual(['primary_conninfo', 'recovery_target_timeline']);
    expect(overrideSettings({ ...settings, slot: '' }).has('primary_slot_name')).toBe(false);
  });
});
