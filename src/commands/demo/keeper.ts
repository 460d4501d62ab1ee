import { killAllIn } from './processes.ts';

/**
 * A process of its own that outlives the demo for a moment, whatever the demo ends of: when its standard input ends,
 * nobody is left to look after the instances, and it kills what still runs of them. It also keeps the lock on the
 * directory until then.
 */
const directory = process.argv[2];
// Those of a terminal are for the demo, whose end is what counts here.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
await new Promise((resolve) => process.stdin.resume().once('close', resolve));
process.exit(directory === undefined || (await killAllIn(directory)) ? 0 : 1);
