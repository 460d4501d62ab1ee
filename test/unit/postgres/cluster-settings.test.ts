import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClusterSettingsInput,
  clusterSettings,
  renderSettings,
} from '../../../src/postgres/configuration.ts';
import { extensionPathSettings } from '../../../src/postgres/extension-paths.ts';
import { isFixedParameter, isTrue } from '../../../src/postgres/parameters.ts';
import { clusterDefaults, machineSurroundings, podSurroundings } from '../../../src/postgres/surroundings.ts';
import { renderSynchronousStandbyNames, synchronousMetadata } from '../../../src/postgres/synchronous.ts';

const pod: ClusterSettingsInput = {
  ...podSurroundings('on'),
  major: 18,
  clusterName: 'cluster-example',
  parameters: { max_connections: '100' },
  libraries: [],
  enableAlterSystem: false,
  synchronous: undefined,
};
const standbys = {
  method: 'ANY' as const,
  number: 1,
  standbyNames: ['cluster-example-2', 'cluster-example-3'],
};
const synchronous = {
  names: renderSynchronousStandbyNames(standbys),
  metadata: synchronousMetadata(standbys),
};

/** Vector V1 of contract 04, 4.8, which the upstream generator made. */
const v1 = `allow_alter_system = 'off'
archive_command = '/controller/manager wal-archive --log-destination /controller/log/postgres.json %p'
archive_mode = 'on'
archive_timeout = '5min'
cluster_name = 'cluster-example'
dynamic_shared_memory_type = 'posix'
full_page_writes = 'on'
hot_standby = 'true'
listen_addresses = '*'
log_destination = 'csvlog'
log_directory = '/controller/log'
log_filename = 'postgres'
log_rotation_age = '0'
log_rotation_size = '0'
log_truncate_on_rotation = 'false'
logging_collector = 'on'
max_connections = '100'
max_parallel_workers = '32'
max_replication_slots = '32'
max_worker_processes = '32'
port = '5432'
restart_after_crash = 'false'
shared_memory_type = 'mmap'
shared_preload_libraries = ''
ssl = 'on'
ssl_ca_file = '/controller/certificates/client-ca.crt'
ssl_cert_file = '/controller/certificates/server.crt'
ssl_key_file = '/controller/certificates/server.key'
ssl_max_protocol_version = 'TLSv1.3'
ssl_min_protocol_version = 'TLSv1.3'
synchronous_standby_names = 'ANY 1 ("cluster-example-2","cluster-example-3")'
unix_socket_directories = '/controller/run'
wal_keep_size = '512MB'
wal_level = 'logical'
wal_log_hints = 'on'
wal_receiver_timeout = '5s'
wal_sender_timeout = '5s'
cnpg.synchronous_standby_names_metadata = '{"method":"ANY","number":1,"standbyNames":["cluster-example-2","cluster-example-3"]}'
cnpg.config_sha256 = '4731aba835bcb93c0c949eda4338d29855cd4e748566e445345de2ca9368686f'
`;

/** V1 without some settings, with the hash that the contract gives. */
function without(names: readonly string[], hash: string): string {
  const dropped = (line: string) => names.some((name) => line.startsWith(`${name} = `));
  const lines = v1.split('\n').filter((line) => !dropped(line));
  return lines.join('\n').replace(/(config_sha256 = ')[0-9a-f]+/, `$1${hash}`);
}

describe('custom.conf in a Pod, byte for byte', () => {
  test('V1: 18, one parameter, synchronous replication', () => {
    expect(renderSettings(clusterSettings({ ...pod, synchronous }))).toBe(v1);
  });
  test('V1 from a Cluster to which the webhook has added the defaults', () => {
    const parameters = { ...clusterDefaults, archive_mode: 'on', ...pod.parameters };
    expect(renderSettings(clusterSettings({ ...pod, parameters, synchronous }))).toBe(v1);
  });
  test('V2: 16, no parameters', () => {
    const names = [
      'allow_alter_system',
      'max_connections',
      'synchronous_standby_names',
      'cnpg.synchronous_standby_names_metadata',
    ];
    expect(renderSettings(clusterSettings({ ...pod, major: 16, parameters: {} }))).toBe(
      without(names, 'bc2a71b7597d5b2b4064322a81e87e1da5b1b8147bb013e3e2bd744a8c5aebe2'),
    );
  });
  test('V3: while the database is initialised', () => {
    const names = [
      'allow_alter_system',
      ...Object.keys(podSurroundings('on').mandatory),
      'synchronous_standby_names',
      'cnpg.synchronous_standby_names_metadata',
    ];
    expect(renderSettings(clusterSettings({ ...pod, isPreserving: true }))).toBe(
      without(names, '893d879962d101ace35bd61314f3d22a83a7a4f3fc47be69b7155c1538ef23a7'),
    );
  });
  test('the hash is that of the first part', () => {
    const [first] = v1.split('cnpg.');
    expect(v1).toContain(createHash('sha256').update(first!).digest('hex'));
  });
});

describe('computed settings', () => {
  const settings = (change: Partial<ClusterSettingsInput>) => clusterSettings({ ...pod, ...change });
  test('a delay is cut to seconds (V4)', () => {
    expect(settings({ minApplyDelay: 90.5 }).get('recovery_min_apply_delay')).toBe('90s');
    expect(settings({ minApplyDelay: 0 }).has('recovery_min_apply_delay')).toBe(false);
  });
  test('libraries of a Pod are named even when there are none', () => {
    expect(settings({}).get('shared_preload_libraries')).toBe('');
    const parameters = { 'pgaudit.log': 'all', 'auto_explain.log_analyze': 'on' };
    expect(settings({ libraries: ['timescaledb'], parameters }).get('shared_preload_libraries')).toBe(
      'timescaledb,pgaudit,auto_explain',
    );
  });
  test('temporary tablespaces, sorted by bytes', () => {
    expect(settings({ temporaryTablespaces: ['b', 'B', 'a'] }).get('temp_tablespaces')).toBe('B,a,b');
  });
  test.each([
    [17, { sync_replication_slots: 'ON' }, 'a,b', undefined],
    [17, { sync_replication_slots: 'tr', 'pg_failover_slots.x': '1' }, 'a,b', 'a,b'],
    [16, { sync_replication_slots: 'on', 'pg_failover_slots.x': '1' }, undefined, 'a,b'],
    [18, { sync_replication_slots: 'off' }, undefined, undefined],
    [18, {}, undefined, undefined],
  ])('decoding that waits for standbys: %i, %j', (major, parameters, core, extension) => {
    const found = settings({ major, parameters, decodingWaitsFor: ['a', 'b'] });
    expect(found.get('synchronized_standby_slots')).toBe(core);
    expect(found.get('pg_failover_slots.standby_slot_names')).toBe(extension);
    expect(settings({ major, parameters }).has('synchronized_standby_slots')).toBe(false);
  });
  test('no parameter of a user replaces a fixed or a mandatory one', () => {
    const name = fc.oneof(fc.constantFrom(...settings({}).keys(), 'ssl', 'Port'), fc.constant('work_mem'));
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), (parameters) => {
        const found = settings({ parameters });
        for (const [key, value] of settings({ parameters: {} }))
          if (isFixedParameter(key) || key in pod.mandatory) expect(found.get(key)).toBe(value);
        expect(found.get('work_mem')).toBe(parameters.work_mem);
      }),
    );
  });
});

describe('on one machine', () => {
  const machine = machineSurroundings({
    major: 15,
    port: 5433,
    listenAddresses: '127.0.0.1',
    socketDirectory: '/run/c-2',
    logDirectory: '/run/c-2/log',
    logFileName: 'server',
    isSocketPrivate: true,
  });
  const settings = clusterSettings({
    ...pod,
    ...machine,
    major: 15,
    parameters: { wal_log_hints: 'off', wal_level: 'replica', archive_timeout: '1h', log_directory: '/x' },
  });
  test('what standbys and a rewind need is there, and nothing of Kubernetes', () => {
    expect(Object.fromEntries(settings)).toMatchObject({
      archive_mode: 'off',
      hot_standby: 'on',
      listen_addresses: '127.0.0.1',
      log_destination: 'jsonlog',
      log_directory: '/run/c-2/log',
      port: '5433',
      restart_after_crash: 'false',
      unix_socket_directories: '/run/c-2',
      unix_socket_permissions: '0700',
      wal_log_hints: 'on',
    });
    expect(settings.has('ssl')).toBe(false);
    expect([...settings.values()].filter((value) => value.includes('/controller'))).toEqual([]);
  });
  test('the user may still choose what is only a default', () => {
    expect(settings.get('wal_level')).toBe('replica');
    expect(settings.get('archive_timeout')).toBe('1h');
    expect(clusterSettings({ ...pod, ...machine, parameters: {} }).get('wal_level')).toBe('logical');
  });
});

test('paths of extensions (V4)', () => {
  const images = [{ name: 'postgis' }, { name: 'v', controlPaths: ['a', '../b'] }];
  expect(extensionPathSettings(images, { extension_control_path: '/x:$system' })).toEqual({
    extension_control_path: '$system:/extensions/postgis/share:/extensions/v/a:/x:$system',
    dynamic_library_path: '$libdir:/extensions/postgis/lib:/extensions/v/lib',
  });
  expect(extensionPathSettings([], { dynamic_library_path: '/x' })).toEqual({});
  expect(
    extensionPathSettings([{ name: 'e', libraryPaths: ['a/../b', './c', 'a/../../d'] }], {}, '/new'),
  ).toMatchObject({ dynamic_library_path: '$libdir:/new/e/b:/new/e/c' });
});

test.each([
  ['on', true],
  ['YES', true],
  ['t', true],
  ['1', true],
  ['o', false],
  ['off', false],
  ['', false],
  [undefined, false],
])('%s is true: %s', (value, truth) => expect(isTrue(value)).toBe(truth));
