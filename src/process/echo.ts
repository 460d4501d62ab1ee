import { performance } from 'node:perf_hooks';
import type { SignalSource } from './signal-inbox.ts';

/** Milliseconds: npm and `node --watch` hand it on as soon as they get a turn, and a person who presses again comes later. */
const echo = 500;

/**
 * One press of Ctrl-C is one INT. The terminal sends it to all of its processes, and npm and `node --watch` among them hand
 * theirs on to the manager, for which a second INT would mean that an ordered stop takes too long.
 */
export function withoutEcho(source: SignalSource, now: () => number = () => performance.now()): SignalSource {
  let last = Number.NEGATIVE_INFINITY;
  return {
    listen: (listener) =>
      source.listen((signal) => {
        const isEcho = signal === 'SIGINT' && now() - last < echo;
        if (signal === 'SIGINT' && !isEcho) last = now();
        if (!isEcho) listener(signal);
      }),
  };
}
