import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { goalTable, refusalTable, stateMachineDiagram } from '../../../src/alignment/diagram.ts';
import { goals } from '../../../src/alignment/goal.ts';
import { states } from '../../../src/alignment/state.ts';
import { transitions } from '../../../src/alignment/transitions.ts';

const readme = readFileSync(join(import.meta.dirname, '..', '..', '..', 'README.md'), 'utf8');

test('the README shows the table that the program uses', () => {
  expect(readme).toContain(`\`\`\`mermaid\n${stateMachineDiagram()}\`\`\``);
  expect(readme).toContain(goalTable());
  expect(readme).toContain(refusalTable());
});

test('every step of the table is an arrow of the diagram', () => {
  const diagram = stateMachineDiagram();
  for (const state of states) {
    for (const goal of goals) {
      const cell = transitions[state][goal];
      if (cell.kind !== 'step') continue;
      const from = state.replaceAll(' ', '_');
      const to = cell.then.replaceAll(' ', '_');
      const arrow = new RegExp(`^  ${from} --> ${to}: ${cell.step} \\(.*\\b${goal}\\b.*\\)$`, 'm');
      expect(diagram).toMatch(arrow);
    }
  }
});
