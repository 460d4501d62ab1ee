import { goalTable, refusalTable, stateMachineDiagram } from '../alignment/diagram.ts';

/** Prints the table of transitions: as a Mermaid diagram, or as the Markdown of all that is refused. */
export function printStateMachine(format: 'mermaid' | 'goals' | 'refusals'): void {
  const render = { mermaid: stateMachineDiagram, goals: goalTable, refusals: refusalTable };
  process.stdout.write(render[format]());
}
