import { expect, test } from 'vitest';
import { mutations } from './mutations.ts';
import { scheduleOf } from './schedule/schedule.ts';
import { changesOfMind, shortReigns } from './schedule/scripted.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

test('the same schedule always comes out the same, to the last event', () => {
  for (const seed of [1, 2, 3]) {
    const lives = [0, 1].map(() => {
      const lines: string[] = [];
      const outcome = simulate(scheduleOf(seed), undefined, (line) => lines.push(line));
      return { lines, outcome };
    });
    expect(lives[0]).toEqual(lives[1]);
    expect(lives[0]?.lines.length).toBeGreaterThan(10);
  }
});

test('a schedule that fails becomes smaller, and still fails in the same way', () => {
  const { rules, schedules } = mutations.find(({ name }) => name === 'no watchdog')!;
  const failing = Array.from({ length: 500 }, (_, seed) => schedules(seed)).find(
    (schedule) => schedule.faults.length > 4 && simulate(schedule, rules).broken !== undefined,
  )!;
  const smallest = shrink(failing, rules);
  expect(smallest.faults.length).toBeLessThan(failing.faults.length);
  expect(simulate(smallest, rules).broken?.promise).toBe(simulate(failing, rules).broken?.promise);
});

test.each([
  ['a person chooses anew', changesOfMind],
  ['a server is taken over', shortReigns],
])('whatever the lease times of each process, and however often %s, every promise is kept', (_, story) => {
  for (let seed = 0; seed < 2_000; seed += 1) {
    expect(simulate(story(seed)).broken, `seed ${seed}`).toBeUndefined();
  }
});
