import { describe, expect, test } from 'vitest';
import { defaultScript } from '../../../src/commands/demo/default-script.ts';
import { readKeys } from '../../../src/commands/demo/keys.ts';
import { instanceVerbs, parseCommand, parseScript } from '../../../src/commands/demo/script.ts';

const parse = (line: string) => parseCommand(line, 3);

describe('a script of the demo', () => {
  test('has a command a line, and comments', () => {
    expect(parseScript('# first\n\n  promote 2 \nfailover\nquit\n', 3)).toEqual([
      { kind: 'instance', verb: 'promote', target: 2 },
      { kind: 'failover' },
      { kind: 'quit' },
    ]);
  });
  test('names an instance by its number, or the primary', () => {
    expect(parse('freeze primary')).toEqual({ kind: 'instance', verb: 'freeze', target: 'primary' });
    for (const line of ['kill', 'kill 0', 'kill 4', 'kill demo-1', 'kill 1.5'])
      expect(() => parse(line)).toThrow('which instance? 1 to 3');
  });
  test('waits with a deadline', () => {
    expect(parse('wait healthy')).toEqual({ kind: 'wait', condition: { kind: 'healthy' }, seconds: 60 });
    expect(parse('wait rows 20 within 5')).toEqual({
      kind: 'wait',
      condition: { kind: 'rows', count: 20 },
      seconds: 5,
    });
    expect(parse('wait primary')).toMatchObject({ condition: { kind: 'primary', target: 'primary' } });
    expect(parse('wait down 2')).toMatchObject({ condition: { kind: 'down', target: 2 } });
    expect(parse('wait silence 0.5')).toMatchObject({ condition: { kind: 'silence', seconds: 0.5 } });
  });
  test('says what is wrong, and where', () => {
    expect(() => parseScript('promote 2\nwait for it\n', 3)).toThrow('line 2: wait for what? healthy,');
    expect(() => parse('jump 2')).toThrow('"jump" is no command: promote,');
    expect(() => parse('promote 2 now')).toThrow('"now" is too much');
    expect(() => parse('wait healthy within soon')).toThrow('a number of seconds');
    expect(() => parse('wait healthy within 5 s')).toThrow('"s" is too much');
    expect(() => parse('wait rows')).toThrow('a number of rows');
  });
  test('keeps the words of what it says', () => {
    expect(parse('say  the quick  fox')).toEqual({ kind: 'say', text: 'the quick  fox' });
  });
  test('comes with the demo, and ends', () => {
    expect(parseScript(defaultScript, 3).at(-1)).toEqual({ kind: 'quit' });
  });
});

describe('keys of the demo', () => {
  test('choose an instance and give commands to it', () => {
    expect(readKeys('2p', 3, 1)).toEqual([
      { kind: 'choose', number: 2 },
      { kind: 'command', command: parse('promote 2') },
    ]);
    expect(readKeys('z', 3, 3)).toEqual([{ kind: 'command', command: parse('freeze 3') }]);
    expect(readKeys('Z', 3, 3)).toEqual([{ kind: 'command', command: parse('thaw 3') }]);
  });
  test('are there for every command', () => {
    const given = readKeys('pkrszZfuoq', 3, 1).map((action) =>
      action.kind === 'command' && action.command.kind === 'instance' ? action.command.verb : action,
    );
    expect(new Set(given.slice(0, instanceVerbs.length))).toEqual(new Set(instanceVerbs));
    expect(given.slice(instanceVerbs.length)).toEqual([
      { kind: 'command', command: { kind: 'failover' } },
      { kind: 'command', command: { kind: 'quit' } },
    ]);
  });
  test('do nothing when they mean nothing', () => {
    expect(readKeys('4 x\n', 3, 1)).toEqual([]);
    // An arrow key: its letter must not count.
    expect(readKeys('\u001b[Z', 3, 1)).toEqual([]);
  });
  test('end it with Ctrl-C as well', () => {
    expect(readKeys('\u0003', 3, 1)).toEqual([{ kind: 'command', command: { kind: 'quit' } }]);
  });
});
