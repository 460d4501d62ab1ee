import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Watchdog } from '../../../src/instance/watchdog.ts';
import { Children } from '../../../src/process/children.ts';
import { directoryWith } from './support.ts';

/** Starts something that notes what it is told in the place of the watchdog; the first times it cannot be started at all. */
class UnreliableChildren extends Children {
  attempts = 0;
  readonly #failing: number;
  readonly #notes: string;

  constructor(failing: number, notes: string) {
    super();
    this.#failing = failing;
    this.#notes = notes;
  }

  override spawn(_file: string, _args: readonly string[], options: SpawnOptions): ChildProcess {
    this.attempts += 1;
    if (this.attempts <= this.#failing) return super.spawn('/no/such/program', [], options);
    return super.spawn('/bin/sh', ['-c', `exec /bin/cat > '${this.#notes}'`], options);
  }
}

function watchdogOf(children: UnreliableChildren, dataDirectory: string, log: Logger): Watchdog {
  const rest = { executable: 'postgres', patience: 3_000, isTakingOver: false };
  return new Watchdog({ children, dataDirectory, log, ...rest });
}

test('a watchdog that could not be started is started again, and told what there is to guard', async () => {
  const dataDirectory = directoryWith('told');
  const told = join(dataDirectory, 'told');
  const children = new UnreliableChildren(2, told);
  const log = pino({ level: 'silent' });
  const watchdog = watchdogOf(children, dataDirectory, log);
  onTestFinished(() => watchdog.release());
  watchdog.guard({ fenceAt: 1_234, postmaster: 99 });
  await vi.waitFor(() => expect(readFileSync(told, 'utf8')).toBe('1234 3000 99\n'), { timeout: 10_000 });
  expect(children.attempts).toBe(3);
});

test('nothing is started any more for one that was sent home', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const children = new UnreliableChildren(Number.POSITIVE_INFINITY, '');
  let failures = 0;
  const hasFailed = async (times: number) => {
    while (failures < times) await new Promise((resolve) => process.nextTick(resolve));
  };
  const write = () => {
    failures += 1;
  };
  const log = pino({ level: 'error' }, { write });
  const dataDirectory = directoryWith();
  const watchdog = watchdogOf(children, dataDirectory, log);
  watchdog.prepare();
  await hasFailed(1);
  await vi.advanceTimersByTimeAsync(1_000);
  await hasFailed(2);
  watchdog.release();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(children.attempts).toBe(2);
});
