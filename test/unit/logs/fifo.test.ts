import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FifoReader } from '../../../src/logs/fifo.ts';
import { openLibc } from '../../../src/process/libc.ts';
import { eventually } from '../../support/manager.ts';

/** What one turn of the event loop may take out of a pipe: the slowest records come to a few milliseconds then. */
const oneTurn = 64 * 1024;

test.each([
  ['there is room', () => undefined],
  ['room comes at once', () => Promise.resolve()],
])('a burst leaves turns of the loop to everybody else, when %s', async (_name, room) => {
  const directory = mkdtempSync(join(tmpdir(), 'manager-fifo-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'fifo');
  const libc = openLibc();
  libc.mkfifo(path, 0o600);
  let thisTurn = 0;
  let largestTurn = 0;
  let total = 0;
  const reader = new FifoReader(
    path,
    libc,
    (chunk) => {
      thisTurn += chunk.length;
      total += chunk.length;
      largestTurn = Math.max(largestTurn, thisTurn);
    },
    room,
  );
  onTestFinished(() => reader.close());
  let isOver = false;
  const newTurn = () => {
    thisTurn = 0;
    if (!isOver) setImmediate(newTurn);
  };
  newTurn();
  onTestFinished(() => {
    isOver = true;
  });
  const burst = Buffer.alloc(900 * 1024, 'x');
  const writer = openSync(path, 'r+');
  onTestFinished(() => closeSync(writer));
  for (let written = 0; written < burst.length; ) written += writeSync(writer, burst, written);
  await eventually('the whole burst', () => total === burst.length);
  expect(largestTurn).toBeLessThanOrEqual(oneTurn);
});
