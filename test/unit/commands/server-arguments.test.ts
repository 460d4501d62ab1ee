import { describe, expect, test } from 'vitest';
import {
  asksServerOnly,
  findForeignArgument,
  findOverruledArguments,
} from '../../../src/commands/server-arguments.ts';

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

test('arguments for the log path are found in any spelling', () => {
  const server = ['-c', 'log_destination=csvlog', '--LOG-directory=/x', '-Fclogging_collector=off'];
  const others = ['-c', 'log_statement=all', '-c', 'log_line_prefix=log_filename=', '-N', '5'];
  expect(findOverruledArguments([...others, ...server])).toEqual([
    '-c log_destination=csvlog',
    '--LOG-directory=/x',
    '-Fclogging_collector=off',
  ]);
  expect(findOverruledArguments(others)).toEqual([]);
});
