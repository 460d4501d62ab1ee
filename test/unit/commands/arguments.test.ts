import { describe, expect, test } from 'vitest';
import {
  asksServerOnly,
  findForeignArgument,
  normaliseBooleans,
  splitServerArguments,
} from '../../../src/commands/arguments.ts';

describe('arguments for the server', () => {
  test('stand behind the word postgres', () => {
    expect(splitServerArguments(['postgres', '-c', 'shared_buffers=256MB', '--log-level=x'])).toEqual({
      own: ['postgres'],
      server: ['-c', 'shared_buffers=256MB', '--log-level=x'],
    });
  });
  test('may begin the command line, as with the postgres image', () => {
    expect(splitServerArguments(['-c', 'port=5433'])).toEqual({
      own: ['postgres'],
      server: ['-c', 'port=5433'],
    });
  });
  test('log options may come before', () => {
    expect(splitServerArguments(['--log-level=debug', 'postgres', '-N', '5']).own).toEqual([
      '--log-level=debug',
      'postgres',
    ]);
  });
  test('a value that happens to be the word is none', () => {
    const argv = ['instance', 'run', '--pod-name', 'postgres'];
    expect(splitServerArguments(argv)).toEqual({ own: argv, server: [] });
  });
  test('or behind two hyphens', () => {
    expect(splitServerArguments(['instance', 'run', '--', '-N', '5'])).toEqual({
      own: ['instance', 'run'],
      server: ['-N', '5'],
    });
  });
  test('-h is help', () => expect(splitServerArguments(['-h']).own).toEqual(['-h']));
});

test('booleans may be spelled as Go programs do', () => {
  expect(
    normaliseBooleans([
      'run',
      '--status-port-tls=true',
      '--pprof-server=false',
      '--log-level=true',
      '--metrics-port-tls',
    ]),
  ).toEqual(['run', '--status-port-tls', '--log-level=true', '--metrics-port-tls']);
});

test.each([['--version'], ['-C', 'port'], ['--describe-config']])('%s only asks', (...server) => {
  expect(asksServerOnly(server)).toBe(true);
  expect(asksServerOnly(['-c', 'x=y'])).toBe(false);
});

describe('what the manager must know of', () => {
  test.each([
    ['-D', 'other'],
    ['-Dother'],
    ['-FD', 'other'],
    ['--data-directory=other'],
    ['--data_directory=other'],
    ['-c', 'data_directory=other'],
    ['-cdata_directory=other'],
    ['-c', 'DATA_DIRECTORY=other'],
    ['-c', 'work_mem=5MB', '-N', '5', '-Fc', 'data-directory=other'],
  ])('%s %s is found', (...server) => {
    expect(findForeignArgument(server)).toMatch(/other$/);
  });
  test.each([
    [['-k', ''], "-k ''"],
    [['-c', 'unix_socket_directories='], '-c unix_socket_directories='],
    [['--Unix-Socket-Directories= '], '--Unix-Socket-Directories= '],
  ])('no socket at all: %j', (server, told) => expect(findForeignArgument(server)).toBe(told));
  test.each([
    ['-c', 'config_file=/etc/data_directory=1'],
    ['-c', 'work_mem=5MB'],
    ['-c', 'unix_socket_directories=/run/postgresql'],
    ['-k', '-D'],
    ['-kD'],
    ['--cluster-name=-D', '-h', '-D'],
    ['-F'],
    ['--', '-D', 'what the server refuses'],
  ])('%s %s is none', (...server) => expect(findForeignArgument(server)).toBeUndefined());
});
