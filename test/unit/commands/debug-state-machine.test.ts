import { expect, test } from 'vitest';
import { goalTable, refusalTable, stateMachineDiagram } from '../../../src/alignment/diagram.ts';
import { runManager } from '../../support/manager.ts';

const print = (...args: readonly string[]) => runManager(['debug', 'state-machine', ...args]);

test('debug state-machine prints the table that the program uses, in each of its forms', () => {
  expect(print()).toMatchObject({ code: 0, stdout: stateMachineDiagram() });
  expect(print('--format', 'mermaid').stdout).toBe(stateMachineDiagram());
  expect(print('--format', 'goals').stdout).toBe(goalTable());
  expect(print('--format', 'refusals').stdout).toBe(refusalTable());
});

test('a form that there is not is an error, and prints nothing', () => {
  const { code, stdout, stderr } = print('--format', 'dot');
  expect(code).not.toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toContain('mermaid');
});
