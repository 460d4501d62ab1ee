import { type Goal, goalMeanings, goals } from './goal.ts';
import { type State, states } from './state.ts';
import { transitions } from './transitions.ts';

/**
 * The table of transitions as a Mermaid state diagram: an arrow for every step, labelled with the step and the goals that
 * lead to it; goals that leave a state as it is have no arrow.
 */
export function stateMachineDiagram(): string {
  const lines = ['stateDiagram-v2'];
  for (const state of states) lines.push(`  state "${state}" as ${identifier(state)}`);
  for (const state of states) lines.push(...arrows(state));
  return `${lines.join('\n')}\n`;
}

/** The table as Markdown: a row for every state and goal in which nothing is done, with the reason. */
export function refusalTable(): string {
  const rows = states.flatMap((state) =>
    goals.flatMap((goal) => {
      const cell = transitions[state][goal];
      return cell.kind === 'refuse' ? [`| ${state} | ${goal} | ${cell.why} |`] : [];
    }),
  );
  return `${['| state | goal | refused, because |', '|---|---|---|', ...rows].join('\n')}\n`;
}

/** The goals with what they mean, as Markdown. */
export function goalTable(): string {
  const rows = goals.map((goal) => `| ${goal} | ${goalMeanings[goal]} |`);
  return `${['| goal | when |', '|---|---|', ...rows].join('\n')}\n`;
}

function arrows(state: State): string[] {
  const byEdge = new Map<string, Goal[]>();
  for (const goal of goals) {
    const cell = transitions[state][goal];
    if (cell.kind !== 'step') continue;
    const edge = `${identifier(state)} --> ${identifier(cell.then)}: ${cell.step}`;
    byEdge.set(edge, [...(byEdge.get(edge) ?? []), goal]);
  }
  return [...byEdge].map(([edge, reasons]) => `  ${edge} (${reasons.join(', ')})`);
}

function identifier(state: State): string {
  return state.replaceAll(' ', '_');
}
