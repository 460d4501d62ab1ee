import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { openFileSource } from '../../cluster/file-source.ts';
import { messageOf } from '../../errors/manager-error.ts';
import { openLibc } from '../../process/libc.ts';
import type { SignalInbox } from '../../process/signal-inbox.ts';
import { defaultScript } from './default-script.ts';
import { Demo } from './demo.ts';
import { ImpossibleError } from './impossible-error.ts';
import { startKeeper } from './keeping.ts';
import { readKeys } from './keys.ts';
import type { DemoOptions } from './options.ts';
import { plainLines } from './plain.ts';
import { recordingBegins, recordingEnds, withRecording } from './recording.ts';
import { renderScreen, statusLines } from './screen.ts';
import { type Command, parseScript, ScriptError } from './script.ts';
import { setUp } from './setup.ts';
import { summaryLines } from './summary.ts';
import { listenForKeys, Terminal } from './terminal.ts';

/** Milliseconds between two pictures. */
const framePeriod = 200;
const instances = 3;

type Settings = DemoOptions & { readonly directory: string };

/**
 * Plays the demo from its set-up to its end.
 *
 * @returns the exit status: 0 when everything that was asked for happened and no acknowledged row is lost
 * @throws before anything was started
 */
export async function play(settings: Settings, inbox: SignalInbox): Promise<number> {
  if (settings.record !== undefined) checkRecording(settings.record);
  const commands = commandsOf(settings);
  const stage = await setUp(settings.directory, openLibc());
  const keeping = startKeeper(stage);
  const source = await openFileSource(stage.clusterFile, openLibc(), { mayCreate: false });
  const show = new Show(new Demo(stage, source), settings, inbox);
  const status = await show.run(commands);
  const isClean = await keeping.finish();
  show.conclude(isClean);
  return isClean ? status : 1;
}

/** Undefined: keys alone. */
function commandsOf({ script }: Settings): AsyncIterable<Command> | Iterable<Command> | undefined {
  if (script === '-') return standardInput();
  if (script === undefined && process.stdin.isTTY) return undefined;
  const isDefault = script === undefined || script === 'default';
  return parseScript(isDefault ? defaultScript : readFileSync(script, 'utf8'), instances);
}

async function* standardInput(): AsyncGenerator<Command> {
  let before = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    yield* parseScript(line, instances, before);
    before += 1;
  }
}

function checkRecording(path: string): void {
  if (withRecording(readFileSync(path, 'utf8'), []) !== undefined) return;
  throw new ScriptError(`${path} has no lines ${recordingBegins} and ${recordingEnds}`);
}

/** One run, and how it is shown. */
class Show {
  readonly #demo: Demo;
  readonly #settings: Settings;
  readonly #terminal: Terminal | undefined;
  readonly #over = new AbortController();
  readonly #recording: string[];
  /** Shown once the terminal is as it was. */
  readonly #epilogue: string[] = [];
  #status = 0;
  #chosen = 1;

  constructor(demo: Demo, settings: Settings, inbox: SignalInbox) {
    this.#demo = demo;
    this.#settings = settings;
    this.#recording = [`$ npm run demo -- --script ${settings.script ?? 'default'}`];
    const isScreen = process.stdout.isTTY && !settings.isPlain;
    this.#terminal = isScreen ? new Terminal(process.stdout) : undefined;
    // The second one does not wait for anything: the keeper puts an end to what is left.
    inbox.listen((signal) => {
      if (this.#over.signal.aborted) process.exit(1);
      if (signal !== 'SIGHUP') this.#epilogue.push(`${signal}: the demo ends`);
      this.#quit();
    });
    // Whoever read the lines has gone.
    process.stdout.on('error', () => this.#quit());
  }

  async run(commands: AsyncIterable<Command> | Iterable<Command> | undefined): Promise<number> {
    const { chronicle } = this.#demo;
    chronicle.onEntry((entry) => this.#print(plainLines(entry), entry.isDetail));
    this.#terminal?.open();
    const timer = setInterval(() => this.#draw(), framePeriod);
    const stopKeys = process.stdin.isTTY
      ? listenForKeys(process.stdin, (text) => this.#type(text))
      : () => {};
    try {
      await this.#demo.begin();
      await this.#carryOut(commands);
      await this.#check();
      await this.#demo.end();
    } finally {
      clearInterval(timer);
      stopKeys();
      this.#terminal?.close();
    }
    return this.#status;
  }

  /** The last words, when everything has ended. */
  conclude(isClean: boolean): void {
    const { directory, record } = this.#settings;
    const rest = isClean ? 'Nothing is left running.' : 'Some processes could not be ended.';
    process.stdout.write(`${[...this.#epilogue, `${rest} Logs and data: ${directory}`].join('\n')}\n`);
    if (record === undefined || this.#status !== 0) return;
    const text = withRecording(readFileSync(record, 'utf8'), [...this.#recording, ...this.#epilogue]);
    if (text !== undefined) writeFileSync(record, text);
  }

  async #carryOut(commands: AsyncIterable<Command> | Iterable<Command> | undefined): Promise<void> {
    const { signal } = this.#over;
    try {
      for await (const command of untilAborted(commands ?? [], signal)) {
        if (!(await this.#demo.perform(command, signal))) return;
        if (command.kind === 'show') this.#print(this.#table(), false);
      }
      const goesOn = commands === undefined || (this.#terminal !== undefined && process.stdin.isTTY);
      if (goesOn) await aborted(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#status = 1;
      this.#demo.chronicle.note('demo', `FAILED: ${messageOf(error)}`);
      this.#epilogue.push(`FAILED: ${messageOf(error)}`);
    }
  }

  async #check(): Promise<void> {
    this.#demo.chronicle.detail('demo', 'the rows are compared, then everything is stopped');
    const audit = await this.#demo.audit();
    const { deeds, writer } = this.#demo;
    if (writer.count > 0 && (audit === undefined || audit.lost.length > 0)) this.#status = 1;
    this.#epilogue.push(...summaryLines(deeds, audit, writer.count));
  }

  #type(text: string): void {
    for (const action of readKeys(text, instances, this.#chosen)) {
      if (action.kind === 'choose') this.#chosen = action.number;
      else if (action.command.kind === 'quit') this.#quit();
      else void this.#try(action.command);
    }
    this.#draw();
  }

  /** What was typed may be impossible; then that is all. */
  async #try(command: Command): Promise<void> {
    try {
      if (!this.#demo.isMade) throw new ImpossibleError('the instances are still being made');
      await this.#demo.perform(command, this.#over.signal);
    } catch (error) {
      this.#demo.chronicle.note('demo', `not done: ${messageOf(error)}`);
    }
  }

  #quit(): void {
    this.#over.abort(new Error('the demo ends'));
  }

  #draw(): void {
    const terminal = this.#terminal;
    if (terminal === undefined) return;
    const { columns, rows } = terminal.size;
    terminal.draw(
      renderScreen(this.#demo.view(this.#chosen), { columns, rows, hasColor: terminal.hasColor }),
    );
  }

  #table(): string[] {
    return ['', ...statusLines(this.#demo.view(0)).map(({ text }) => text)];
  }

  #print(lines: readonly string[], isDetail: boolean): void {
    if (!isDetail) this.#recording.push(...lines);
    if (this.#terminal === undefined) process.stdout.write(`${lines.join('\n')}\n`);
  }
}

async function* untilAborted<T>(
  items: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const end = aborted(signal).then(() => ({ done: true, value: undefined }) as const);
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), end]);
    if (next.done === true) return;
    yield next.value;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
