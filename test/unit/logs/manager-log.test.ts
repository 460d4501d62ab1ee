import { expect, test } from 'vitest';
import { createManagerLog } from '../../../src/logs/manager-log.ts';

test('an unknown level is told by the manager, and counts as info', () => {
  const lines: unknown[] = [];
  const format = { levelKey: 'level', timestampKey: 'ts', pod: undefined };
  const log = createManagerLog({ format, level: 'bogus', write: (line) => lines.push(JSON.parse(line)) });
  log.debug('hidden');
  expect(lines).toMatchObject([
    { level: 'info', logger: 'instance-manager', msg: 'unknown log level "bogus": using info' },
  ]);
});
