import { describe, expect, test } from 'vitest';
import { findMisplaced, normaliseBooleans, splitServerArguments } from '../../../src/commands/arguments.ts';
import { buildProgram } from '../../../src/commands/program.ts';

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
  const context = { inbox: { listen: () => {} }, serverArguments: [], finish: () => {} };
  const { options } = buildProgram(context);
  test.each(options.filter(({ required }) => required).map(({ long }) => long!))(
    'the value of %s may be a word of its own',
    (option) => {
      for (const value of ['debug', 'postgres', '-c']) {
        const own = [option, value, 'postgres'];
        expect(splitServerArguments([...own, '-c', 'k=v'])).toEqual({ own, server: ['-c', 'k=v'] });
      }
    },
  );
  test('log options may come before one of the server, which means postgres', () => {
    expect(splitServerArguments(['--log-level', 'debug', '-c', 'k=v'])).toEqual({
      own: ['--log-level', 'debug', 'postgres'],
      server: ['-c', 'k=v'],
    });
  });
  test.each([[['--pod-name', 'postgres']], [['--cluster-name=x', 'postgres']]])(
    'a value that happens to be the word is none: %j',
    (words) => {
      const own = ['instance', 'run', ...words];
      expect(splitServerArguments(own)).toEqual({ own, server: [] });
      expect(splitServerArguments([...own, '--', '-c', 'k=v'])).toEqual({ own, server: ['-c', 'k=v'] });
    },
  );
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

test.each([
  [['--brand-new', 'x', '--brand-new=1'], undefined],
  [['--brand-new', '-c', 'listen_addresses=127.0.0.1'], '-c'],
  [['--listen_addresses=127.0.0.1'], '--listen_addresses=127.0.0.1'],
])('unknown %j: what was meant for the server is %s', (words, misplaced) => {
  expect(findMisplaced(words)).toBe(misplaced);
});
