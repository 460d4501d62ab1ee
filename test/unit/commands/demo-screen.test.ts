import { describe, expect, test } from 'vitest';
import { readManagerLine } from '../../../src/commands/demo/manager-line.ts';
import { plainLines } from '../../../src/commands/demo/plain.ts';
import { recordingBegins, recordingEnds, withRecording } from '../../../src/commands/demo/recording.ts';
import { renderScreen } from '../../../src/commands/demo/screen.ts';
import {
  type DemoView,
  type InstanceFacts,
  type StatusBody,
  viewOf,
} from '../../../src/commands/demo/view.ts';

const primaryStatus: StatusBody = {
  systemID: '1',
  isPrimary: true,
  timeLineID: 3,
  currentLsn: '0/6000100',
  replicationInfo: [{ applicationName: 'demo-2', state: 'streaming', flushLsn: '0/6000000' }],
  manager: { phase: 'running' },
};
const doing = { state: 'standby up', goal: 'follow', text: 'as it shall be', isTrouble: false };

function facts(number: number, status?: StatusBody, more: Partial<InstanceFacts> = {}): InstanceFacts {
  return {
    number,
    name: `demo-${number}`,
    port: 5430 + number,
    process: 'running',
    end: 'exit status 0',
    hasServer: true,
    report: { askedAt: 0, status, trouble: undefined, ready: true, reason: undefined },
    doing,
    ...more,
  };
}

describe('an instance is shown', () => {
  test('as what it says itself', () => {
    expect(viewOf(facts(1, primaryStatus), primaryStatus)).toMatchObject({
      role: 'primary',
      phase: 'running',
      timeline: 3,
      lsn: '0/6000100',
      lag: undefined,
      endpoint: '127.0.0.1:5431',
      isReady: true,
      doing: 'as it shall be  [standby up, goal: follow]',
    });
  });
  test('with its distance as the primary sees it, and on its timeline', () => {
    const status = { systemID: '1', isPrimary: false, timeLineID: 2, receivedLsn: '0/7000000' };
    expect(viewOf(facts(2, status), primaryStatus)).toMatchObject({
      role: 'standby',
      timeline: 3,
      lag: 256n,
    });
  });
  test('with the distance that both say when it does not stream, but never over a fork', () => {
    const status = { systemID: '1', isPrimary: false, timeLineID: 3, receivedLsn: '0/5000100' };
    expect(viewOf(facts(3, status), primaryStatus).lag).toBe(0x100_0000n);
    expect(viewOf(facts(3, { ...status, timeLineID: 2 }), primaryStatus).lag).toBeUndefined();
  });
  test('without a role as long as there is no server', () => {
    const report = {
      askedAt: 0,
      status: undefined,
      trouble: 'no server: the instance is joining (join)',
      ready: false,
      reason: 'the primary is being copied',
    };
    expect(viewOf(facts(2, undefined, { report }), primaryStatus)).toMatchObject({
      role: '-',
      phase: 'joining',
      isReady: false,
      reason: 'the primary is being copied',
    });
    const fenced = { systemID: '', isPrimary: true, manager: { phase: 'waiting' } };
    expect(viewOf(facts(2, fenced), primaryStatus)).toMatchObject({ role: '-', phase: 'waiting' });
  });
  test('as ended or frozen, whatever it said before', () => {
    expect(viewOf(facts(1, primaryStatus, { process: 'ended' }), primaryStatus)).toMatchObject({
      role: '-',
      doing: 'ended: exit status 0',
      isReady: false,
    });
    const frozen = { process: 'frozen', hasServer: false } as const;
    expect(viewOf(facts(1, primaryStatus, frozen), primaryStatus).doing).toContain('its server is down');
  });
});

const view: DemoView = {
  at: 67_000,
  title: 'manager demo',
  story: '',
  chosen: 2,
  instances: [
    viewOf(facts(1, primaryStatus), primaryStatus),
    viewOf(facts(2, { systemID: '1', isPrimary: false, receivedLsn: '0/6000000' }), primaryStatus),
    viewOf(facts(3, undefined, { process: 'ended', end: 'signal SIGKILL' }), primaryStatus),
  ],
  lease: { holder: 'demo-1', age: 400, left: 5600 },
  cluster: { currentPrimary: 'demo-1', targetPrimary: 'demo-1', phase: 'Cluster in healthy state' },
  writer: {
    acknowledged: 1234,
    unanswered: 1,
    refused: 0,
    longestGap: 231,
    since: 12,
    by: 'demo-1',
    lastError: '',
  },
  events: [
    { at: 61_000, who: 'you', text: 'promote demo-1', gap: 231 },
    { at: 61_132, who: 'cluster', text: 'demo-1 is the primary', gap: undefined },
  ],
};
const draw = (change: Partial<DemoView> = {}, columns = 110, rows = 24) =>
  renderScreen({ ...view, ...change }, { columns, rows, hasColor: false });

describe('the screen', () => {
  test('shows who is what, the lease, the writer and what happened', () => {
    expect(draw().slice(0, 18)).toEqual([
      'manager demo  1:07',
      '',
      '  instance role    phase        TL  LSN         lag         endpoint        ready',
      '  demo-1   primary running      3   0/6000100               127.0.0.1:5431  yes',
      '    as it shall be  [standby up, goal: follow]',
      '> demo-2   standby starting     3   0/6000000   256 B       127.0.0.1:5432  yes',
      '    as it shall be  [standby up, goal: follow]',
      '  demo-3   -       ended                                    127.0.0.1:5433  no',
      '    ended: signal SIGKILL',
      '',
      'lease    demo-1 holds it, renewed 0.4 s ago, 5.6 s left',
      'cluster  primary demo-1, target demo-1: Cluster in healthy state',
      'writer   1,234 rows acknowledged, 50 a second by demo-1',
      '         longest gap 231 ms, 1 row without an answer, 0 connections refused',
      '',
      `${'events'.padEnd(100)}write gap`,
      `  61.000  you       promote demo-1${' '.repeat(69)}231 ms`,
      '  61.132  cluster   demo-1 is the primary',
    ]);
  });
  test('fills the terminal, and never more', () => {
    for (const [columns, rows] of [
      [110, 24],
      [80, 24],
      [40, 10],
      [200, 60],
    ] as const) {
      const lines = draw({ story: 'a story '.repeat(20).trim() }, columns, rows);
      expect(lines).toHaveLength(rows);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });
  test('says when nothing is written, and that the lease is free or over', () => {
    const writer = { ...view.writer, since: 3_200, lastError: 'connect ECONNREFUSED' };
    expect(draw({ writer }).join('\n')).toContain('nothing acknowledged for 3.2 s: connect ECONNREFUSED');
    expect(draw({ lease: { holder: '', age: 100, left: 0 } }).join('\n')).toContain(
      'lease    free for 0.1 s',
    );
    expect(draw({ lease: { holder: 'demo-1', age: 7_000, left: 0 } }).join('\n')).toContain(
      'its time is over',
    );
  });
  test('has colours where the terminal has some', () => {
    const lines = renderScreen(view, { columns: 110, rows: 24, hasColor: true });
    expect(lines[3]).toBe(`\u001b[32m${draw()[3]}\u001b[0m`);
  });
});

describe('plain lines', () => {
  test('tell when, who and what', () => {
    const entry = { at: 1234.5, isDetail: false };
    expect(plainLines({ ...entry, who: 'you', text: 'promote demo-2' })).toEqual([
      '   1.234  you     > promote demo-2',
    ]);
    expect(plainLines({ ...entry, who: 'demo-2', text: 'promote' })).toEqual(['   1.234  demo-2    promote']);
  });
  test('set apart what explains the others', () => {
    const lines = plainLines({ at: 0, who: '', text: 'many words '.repeat(12).trim(), isDetail: false });
    expect(lines).toEqual(['', `# ${'many words '.repeat(9).trim()}`, `# ${'many words '.repeat(3).trim()}`]);
  });
});

describe('a line of a manager', () => {
  const line = (fields: object) =>
    readManagerLine(JSON.stringify({ level: 'info', logger: 'instance-manager', ...fields }));
  test('tells what it does and why', () => {
    expect(line({ state: 'empty', goal: 'follow', step: 'join', msg: 'alignment: join' })).toEqual({
      text: 'join',
      alignment: { state: 'empty', goal: 'follow', step: 'join' },
      isTrouble: false,
    });
    expect(
      line({ level: 'error', state: 'empty', goal: 'lead', msg: 'refused: choose another one' }),
    ).toEqual({
      text: 'refused: choose another one',
      alignment: { state: 'empty', goal: 'lead', step: undefined },
      isTrouble: true,
    });
  });
  test('tells of trouble', () => {
    expect(line({ level: 'warning', error: 'no answer', msg: 'step failed' })?.text).toBe(
      'step failed: no answer',
    );
  });
  test('is left out when it is anything else', () => {
    expect(line({ msg: 'status server listens' })).toBeUndefined();
    expect(readManagerLine('{"logger":"postgres","level":"error","msg":"record"}')).toBeUndefined();
    expect(readManagerLine('{"logger":"instance-manager",')).toBeUndefined();
  });
});

describe('the recording', () => {
  test('takes the place of the one before', () => {
    const page = `# page\n\n${recordingBegins}\nold\n${recordingEnds}\n\nrest\n`;
    const expected = `# page\n\n${recordingBegins}\n\n    $ npm run demo\n\n      1.0  you\n\n${recordingEnds}\n\nrest\n`;
    expect(withRecording(page, ['$ npm run demo', '', '  1.0  you'])).toBe(expected);
    expect(withRecording(expected, ['$ npm run demo', '', '  1.0  you'])).toBe(expected);
  });
  test('needs a place', () => {
    expect(withRecording('# page\n', [])).toBeUndefined();
    expect(withRecording(`${recordingEnds}\n${recordingBegins}\n`, [])).toBeUndefined();
  });
});
