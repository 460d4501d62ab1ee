import { expect, test } from 'vitest';
import { withoutEcho } from '../../../src/process/echo.ts';
import type { ControlSignal } from '../../../src/process/signal-inbox.ts';

test('one press of Ctrl-C is one INT, however many hand it on; a second press is another', () => {
  let at = 0;
  let send: (signal: ControlSignal) => void = () => {};
  const heard: Array<readonly [number, ControlSignal]> = [];
  const source = {
    listen: (listener: typeof send) => {
      send = listener;
    },
  };
  withoutEcho(source, () => at).listen((signal) => heard.push([at, signal]));
  const sent = [
    [0, 'SIGINT'],
    [5, 'SIGINT'],
    [100, 'SIGINT'],
    [101, 'SIGTERM'],
    [102, 'SIGTERM'],
    [600, 'SIGINT'],
  ] as const;
  for (const [time, signal] of sent) {
    at = time;
    send(signal);
  }
  expect(heard).toEqual([sent[0], sent[3], sent[4], sent[5]]);
});
