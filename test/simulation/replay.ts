import { parseArgs } from 'node:util';
import { realRules } from './manager/rules.ts';
import { mutations } from './mutations.ts';
import { commandFor, describe, describeOutcome } from './report.ts';
import { type Schedule, scheduleOf } from './schedule/schedule.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

const help = `
npm run simulate -- --seed N                  shows one schedule, with everything that happens, and shrinks it if it fails
npm run simulate -- --seeds COUNT [--from N]  runs many, and names those that fail
npm run simulate -- --schedule JSON           shows a schedule that was printed before
  --mutation NAME   with this deliberate fault (a part of its name is enough)
  --keep            go on after the first failure, and name all of them
`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '0' },
    schedule: { type: 'string' },
    mutation: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const mutation = mutations.find(
  ({ name }) => values.mutation !== undefined && name.includes(values.mutation),
);
if (values.mutation !== undefined && mutation === undefined) {
  say(`there is no such mutation; there are:\n${mutations.map(({ name }) => `  ${name}`).join('\n')}`);
  process.exit(2);
}
const rules = mutation?.rules ?? realRules;
const schedules = mutation?.schedules ?? scheduleOf;

if (values.help) say(help.trim());
else if (values.seeds !== undefined) process.exit(runMany(Number(values.from), Number(values.seeds)));
else if (values.schedule !== undefined) process.exit(show(JSON.parse(values.schedule) as Schedule));
else if (values.seed !== undefined) process.exit(show(schedules(Number(values.seed))));
else say(help.trim());

function show(schedule: Schedule): number {
  say(`${describe(schedule)}\n`);
  const outcome = simulate(schedule, rules, say);
  say(`\n${describeOutcome(outcome)}`);
  if (outcome.broken === undefined) return 0;
  say('\nmaking it smaller …');
  const smallest = shrink(schedule, rules);
  say(`\n${describe(smallest)}\n`);
  say(describeOutcome(simulate(smallest, rules, say)));
  say(`\nnpm run simulate -- --schedule '${JSON.stringify(smallest)}'`);
  return 1;
}

function runMany(from: number, count: number): number {
  const begun = process.hrtime.bigint();
  const failures = new Map<string, number>();
  let slowest = 0;
  let failed = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const { broken, alignedAfter } = simulate(schedules(seed), rules);
    if (broken === undefined) slowest = Math.max(slowest, alignedAfter);
    else {
      failed += 1;
      failures.set(broken.promise, (failures.get(broken.promise) ?? 0) + 1);
      if (values.keep || failed === 1) say(`${commandFor(seed)}    ${broken.message}`);
      if (!values.keep) break;
    }
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  say(
    `${count} schedules in ${seconds.toFixed(1)} s, ${failed} failed; at most ${slowest / 1_000} s until aligned`,
  );
  for (const [promise, times] of failures) say(`  ${promise}: ${times}`);
  return failed === 0 ? 0 : 1;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
