#!/usr/bin/env node
import { SignalInbox } from '../src/process/signal-inbox.ts';
import { watchdogWord } from '../src/process/watchdog-word.ts';

// Before anything else is loaded: from here on no signal is lost.
const inbox = new SignalInbox();
inbox.install();
// Node would print the notice that node:ffi is experimental as plain text between the records.
process.removeAllListeners('warning');

if (process.argv[2] === watchdogWord) void watch(process.argv[3] ?? '', process.argv[4] ?? '');
else void run();

async function watch(dataDirectory: string, executable: string): Promise<void> {
  const { runWatchdog } = await import('../src/process/watchdog.ts');
  runWatchdog(dataDirectory, executable);
}

async function run(): Promise<void> {
  const { main } = await import('../src/commands/main.ts');
  process.exit(await main(process.argv.slice(2), inbox));
}
