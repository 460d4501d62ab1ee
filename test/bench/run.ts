import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { measureFailover, measureIdleStandby, measureReturn } from './failover.ts';
import { measureIdle } from './idle.ts';
import { measureIdleInKubernetes } from './kubernetes-idle.ts';
import { measureOutage } from './kubernetes-outage.ts';
import { measureStartInKubernetes } from './kubernetes-start.ts';
import { measureSteps } from './kubernetes-steps.ts';
import { measureLoggedTransactions, measureProbes } from './load.ts';
import { measureLogThroughput } from './log-throughput.ts';
import { measureStartAndStop } from './start-stop.ts';
import type { Row } from './support.ts';
import { measureSwitchover } from './switchover.ts';

/**
 * `npm run bench`: every figure as a ratio against bare PostgreSQL in the same run. `--json` prints the rows as JSON,
 * `--runs N` sets how often each is measured (default 9), `--only WORD` picks the groups whose name holds the word.
 */
const option = (name: string) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const runs = Number(option('--runs') ?? 9);
const only = option('--only') ?? '';
const groups: Record<string, () => Promise<Row[]>> = {
  start: () => measureStartAndStop(runs),
  log: () => measureLogThroughput(runs),
  idle: () => measureIdle(runs, 20),
  probes: () => measureProbes(runs, 200),
  transactions: () => measureLoggedTransactions(runs, 5),
  switchover: () => measureSwitchover(runs),
  failover: () => measureFailover(3),
  return: () => measureReturn(3),
  standby: () => measureIdleStandby(runs, 20),
  'kubernetes-steps': () => measureSteps(200),
  'kubernetes-outage': () => measureOutage(runs),
  'kubernetes-idle': () => measureIdleInKubernetes(150),
  'kubernetes-start': () => measureStartInKubernetes(runs),
};

execFileSync('node', ['images/build.ts'], { stdio: 'inherit' });
const rows: Row[] = [];
for (const [name, measure] of Object.entries(groups)) {
  if (!name.includes(only)) continue;
  process.stderr.write(`measuring: ${name}\n`);
  try {
    rows.push(...(await measure()));
  } catch (error) {
    // What was measured before, and what can be after it, is told all the same.
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
else process.stdout.write(table(rows));

function table(all: readonly Row[]): string {
  const figure = (value: number) => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3));
  const of = (part: Row['manager'] | undefined) =>
    part === undefined ? '' : `${figure(part.median)} (${figure(part.min)}-${figure(part.max)})`;
  const cells = [
    ['', 'manager: median (min-max)', 'bare', 'ratio', 'unit', 'target', 'met'],
    ...all.map((row) => {
      const ratio = row.bare === undefined ? '' : (row.manager.median / row.bare.median).toFixed(2);
      return [row.name, of(row.manager), of(row.bare), ratio, row.unit, row.target, row.met ? 'yes' : 'NO'];
    }),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return `${cpus().length} cores, ${cpus()[0]?.model ?? ''}\n${lines.join('\n')}\n`;
}
