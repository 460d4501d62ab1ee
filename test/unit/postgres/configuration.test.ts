import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clusterHba, clusterIdent, imageHba, podHba, podIdent } from '../../../src/postgres/access-files.ts';
import { renderSettings, standaloneSettings, withIncludes } from '../../../src/postgres/configuration.ts';
import { quoteIdentifier, quoteLiteral, quoteSetting } from '../../../src/postgres/literals.ts';
import { isFixedParameter, preloadLibraries } from '../../../src/postgres/parameters.ts';

const input = {
  major: 18,
  port: 5432,
  listenAddresses: '*',
  socketDirectory: '/run/postgresql',
  logDirectory: '/run/log',
  logFileName: 'server',
  clusterName: 'demo',
  parameters: {},
  libraries: [],
  enableAlterSystem: undefined,
  isSocketPrivate: false,
};

describe('settings', () => {
  test('of the log path follow the major version', () => {
    expect(standaloneSettings(input).get('log_destination')).toBe('jsonlog');
    expect(standaloneSettings({ ...input, major: 14 }).get('log_destination')).toBe('csvlog');
  });
  test('allow_alter_system only where it exists and somebody chose', () => {
    expect(standaloneSettings(input).has('allow_alter_system')).toBe(false);
    expect(standaloneSettings({ ...input, enableAlterSystem: false }).get('allow_alter_system')).toBe('off');
    expect(
      standaloneSettings({ ...input, major: 16, enableAlterSystem: false }).has('allow_alter_system'),
    ).toBe(false);
  });
  test('no parameter of a user replaces one of ours', () => {
    const name = fc.oneof(
      fc.constantFrom(...standaloneSettings(input).keys(), 'work_mem', 'LOG_DESTINATION', 'ssl'),
      fc.stringMatching(/^[a-z_]{1,12}$/),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (parameters) => {
        const settings = standaloneSettings({ ...input, parameters });
        for (const [own, value] of standaloneSettings(input)) {
          if (isFixedParameter(own)) expect(settings.get(own)).toBe(value);
        }
        for (const key of settings.keys())
          if (!standaloneSettings(input).has(key)) expect(isFixedParameter(key)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('custom.conf', () => {
  test('is sorted by bytes, with the hash of its first part at the end', () => {
    const text = renderSettings(
      new Map([
        ['b', '2'],
        ['cnpg.x', 'y'],
        ['B', '1'],
        ['a', ''],
      ]),
    );
    const first = "B = '1'\na = ''\nb = '2'\n";
    const hash = createHash('sha256').update(first).digest('hex');
    expect(text).toBe(`${first}cnpg.x = 'y'\ncnpg.config_sha256 = '${hash}'\n`);
  });
  test('does not depend on the order of the parameters', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), (settings) => {
        const entries = Object.entries(settings);
        expect(renderSettings(new Map(entries))).toBe(renderSettings(new Map(entries.toReversed())));
      }),
    );
  });
  test('escapes as the contract has it (vector V4)', () => {
    expect(quoteSetting("a'b\\c\td\n")).toBe("'a''b\\\\c\\td\\n'");
  });
  test('any value is one line and comes back as it was', () => {
    const letters: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
    const read = (text: string) =>
      text
        .slice(1, -1)
        .replace(
          /''|\\(.)/g,
          (all, letter: string | undefined) =>
            (letter === undefined ? "'" : (letters[letter] ?? letter)) || all,
        );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("'", '\\', '\n', '\r', '\t', '\b', '\f', 'n', 'a', ' ') }),
        (value) => {
          expect(quoteSetting(value)).not.toContain('\n');
          expect(read(quoteSetting(value))).toBe(value);
        },
      ),
      { numRuns: 2000 },
    );
  });
  test('enforced values win without a change of the hash', () => {
    const settings = new Map([
      ['a', '1'],
      ['max_connections', '10'],
    ]);
    const hash = renderSettings(settings).split('\n').at(-2);
    expect(renderSettings(settings, new Map([['max_connections', '300']]))).toBe(
      `a = '1'\nmax_connections = '300'\n${hash}\n`,
    );
    expect(renderSettings(settings, new Map([['max_wal_senders', '20']]))).toContain(
      "max_wal_senders = '20'\n",
    );
  });
  test('libraries: the chosen ones first, then what parameters need (vector V4)', () => {
    const parameters = ['pgaudit.log', 'pg_stat_statements.max', 'auto_explain.log_analyze'];
    expect(preloadLibraries(['timescaledb', 'pgaudit'], parameters)).toBe(
      'timescaledb,pgaudit,pg_stat_statements,auto_explain',
    );
  });
});

test('postgresql.conf takes in our files once, at its end', () => {
  const once = withIncludes('port = 1');
  expect(once).toMatch(/^port = 1\n\n#.*\ninclude 'custom.conf'\ninclude 'override.conf'\n$/);
  expect(withIncludes(once)).toBe(once);
  expect(withIncludes("  include 'custom.conf'  \n")).toMatch(/include 'override.conf'\n$/);
});

test('access files', () => {
  expect(clusterHba(['host app app all md5'], 15, 'postgres')).toBe(
    'local all all peer map=local\nhost app app all md5\nhost all all all scram-sha-256\n',
  );
  expect(clusterHba([], 13, undefined)).toBe('local all all trust\nhost all all all md5\n');
  expect(clusterIdent(['m a b'], 'po"st', 'postgres')).toBe('local "po""st" "postgres"\nm a b\n');
  expect(imageHba('local all all trust', 'trust', 15)).toBe(
    'local all all trust\n\nhost all all all trust\n',
  );
  expect(imageHba('x\n', undefined, 15)).toBe('x\n\nhost all all all scram-sha-256\n');
});

test('standbys on the same machine enter with a password, whatever the user’s rules say', () => {
  const text = clusterHba(['host all all all reject'], 15, 'postgres', {
    replicationUser: 'streaming_replica',
  });
  expect(text).toBe(
    [
      'local all all peer map=local',
      'host postgres streaming_replica 127.0.0.1/32 scram-sha-256',
      'host replication streaming_replica 127.0.0.1/32 scram-sha-256',
      'host postgres streaming_replica ::1/128 scram-sha-256',
      'host replication streaming_replica ::1/128 scram-sha-256',
      'host all all all reject',
      'host all all all scram-sha-256',
      '',
    ].join('\n'),
  );
});

test('access files in a Pod (contract 04, 5 and 6)', () => {
  expect(podHba(['host app app all md5'], 13)).toBe(
    `local all cnpg_metrics_exporter peer map=cnpg_metrics_exporter
local all all peer map=local
hostssl postgres streaming_replica all cert map=cnpg_streaming_replica
hostssl replication streaming_replica all cert map=cnpg_streaming_replica
hostssl all cnpg_pooler_pgbouncer all cert map=cnpg_pooler_pgbouncer
host app app all md5
host all all all md5
`,
  );
  expect(podIdent(['m a b'], undefined)).toBe(
    `local / postgres
cnpg_streaming_replica streaming_replica streaming_replica
cnpg_pooler_pgbouncer cnpg_pooler_pgbouncer cnpg_pooler_pgbouncer
cnpg_metrics_exporter / cnpg_metrics_exporter
m a b
`,
  );
  expect(podIdent([], 'postgres')).toContain('local postgres postgres\n');
});

test('names and strings of SQL', () => {
  expect(quoteIdentifier('we"ird')).toBe('"we""ird"');
  expect(quoteLiteral("it's")).toBe("'it''s'");
  expect(quoteLiteral('back\\slash')).toBe(" E'back\\\\slash'");
});

test('a text that says the same already stays as it is, and is believed only then', () => {
  const settings = new Map([
    ['max_connections', '100'],
    ['cnpg.some', 'x'],
  ]);
  const text = renderSettings(settings);
  expect(renderSettings(settings, new Map(), text)).toBe(text);
  for (const other of [text.replace('100', '101'), `${text}x = 'y'\n`, text.slice(0, -3), '']) {
    expect(renderSettings(settings, new Map(), other)).toBe(text);
  }
  const enforced = new Map([['max_connections', '300']]);
  expect(renderSettings(settings, new Map(), renderSettings(settings, enforced))).toBe(text);
});
