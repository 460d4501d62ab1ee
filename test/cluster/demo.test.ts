import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { killAllIn, processesIn } from '../../src/commands/demo/processes.ts';
import { recordingBegins, recordingEnds } from '../../src/commands/demo/recording.ts';
import { hasReplication } from '../support/cluster.ts';
import { eventually, temporaryDirectory } from '../support/manager.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'commands', 'demo', 'main.ts');

/** `npm run demo` in a directory of its own. */
function startDemo(script: string, options: readonly string[] = []) {
  const home = temporaryDirectory();
  const directory = join(home, 'demo');
  mkdirSync(directory);
  chmodSync(directory, 0o755);
  const path = join(home, 'script');
  writeFileSync(path, script);
  const child = spawn(
    process.execPath,
    [program, '--plain', '--script', path, '--directory', directory, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await killAllIn(directory);
  });
  const demo = {
    child,
    directory,
    output: '',
    ended: new Promise<number | null>((resolve) => child.once('close', resolve)),
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      demo.output += chunk;
    });
  }
  return demo;
}

test.runIf(hasReplication)('the demo plays a script, loses no row and leaves nothing running', async () => {
  const page = join(temporaryDirectory(), 'page.md');
  writeFileSync(page, `# page\n${recordingBegins}\n${recordingEnds}\nrest\n`);
  const script = `
    wait healthy
    say A planned switchover.
    promote 2
    wait healthy
    show
    kill 2
    failover
    wait primary
    start 2
    wait healthy
    quit`;
  const demo = startDemo(script, ['--record', page]);
  expect(await demo.ended, demo.output).toBe(0);
  expect(demo.output).toMatch(/\d+ rows? acknowledged, and every one of them is on demo-[13]/);
  expect(demo.output).toContain('Nothing is left running.');
  expect(demo.output).toMatch(/demo-2 +primary running/);
  expect(processesIn(demo.directory)).toEqual([]);
  const recorded = readFileSync(page, 'utf8');
  expect(recorded).toMatch(/# A planned switchover\.\n.*you +> promote demo-2\n/);
  expect(recorded).toContain('kill -9 of all processes of demo-2');
  expect(recorded.endsWith(`${recordingEnds}\nrest\n`)).toBe(true);
});

test.runIf(hasReplication)('what a demo has started ends with it, also when it is killed', async () => {
  const demo = startDemo('wait healthy\nwait rows 100000 within 600');
  await eventually('the first row', () => demo.output.includes('first row acknowledged'));
  expect(processesIn(demo.directory).map(({ program: name }) => name)).toContain('postgres');
  demo.child.kill('SIGKILL');
  await eventually('everything to end', () => processesIn(demo.directory).length === 0);
});

test.runIf(hasReplication)('a demo says what did not come, and ends', async () => {
  const demo = startDemo('wait rows 100000 within 0.1\nquit');
  expect(await demo.ended, demo.output).toBe(1);
  expect(demo.output).toContain('FAILED: waited 0.1 s for "rows": 0 of 100000 rows so far');
  expect(processesIn(demo.directory)).toEqual([]);
});
