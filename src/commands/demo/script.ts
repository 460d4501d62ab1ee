/** An instance by its number, or whichever is the primary of the Cluster when the command is carried out. */
export type Target = number | 'primary';

/** Commands that are given to one instance; each is also a key. */
export const instanceVerbs = [
  'promote',
  'kill',
  'start',
  'stop',
  'freeze',
  'thaw',
  'fence',
  'unfence',
] as const;

export type InstanceVerb = (typeof instanceVerbs)[number];

/** What a script can wait for. */
export type Condition =
  /** Every instance is ready, the standbys stream, and the primary has acknowledged a row since the last command. */
  | { readonly kind: 'healthy' }
  /** This one, or any when none is named, is the primary of the Cluster and has acknowledged a row since the last command. */
  | { readonly kind: 'primary'; readonly target: Target }
  /** Its server does not run. */
  | { readonly kind: 'down'; readonly target: Target }
  /** So many rows more were acknowledged. */
  | { readonly kind: 'rows'; readonly count: number }
  /** No row was acknowledged for so many seconds. */
  | { readonly kind: 'silence'; readonly seconds: number };

export type Command =
  | { readonly kind: 'instance'; readonly verb: InstanceVerb; readonly target: Target }
  | { readonly kind: 'failover' }
  | { readonly kind: 'wait'; readonly condition: Condition; readonly seconds: number }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'show' }
  | { readonly kind: 'quit' };

/** Seconds that a `wait` may take unless it says otherwise. */
const defaultPatience = 60;

/** A line of a script that means nothing. */
export class ScriptError extends Error {}

/**
 * Reads a script: a command a line; empty lines and those that begin with # are left out.
 *
 * @param instances how many there are
 * @param before lines of the same script that were read before
 * @throws ScriptError, with the number of the line
 */
export function parseScript(text: string, instances: number, before = 0): Command[] {
  return text.split('\n').flatMap((line, index) => {
    const words = line.trim();
    if (words === '' || words.startsWith('#')) return [];
    try {
      return [parseCommand(words, instances)];
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      throw new ScriptError(`line ${before + index + 1}: ${error.message}`);
    }
  });
}

/**
 * Reads one command.
 *
 * @throws ScriptError
 */
export function parseCommand(line: string, instances: number): Command {
  const [verb = '', ...rest] = line.trim().split(/\s+/);
  if (verb === 'say') return { kind: 'say', text: line.trim().slice('say'.length).trim() };
  if (verb === 'wait') return parseWait(rest, instances);
  if (isInstanceVerb(verb)) {
    const target = parseTarget(rest[0], instances);
    expectEnd(rest.slice(1));
    return { kind: 'instance', verb, target };
  }
  if (verb === 'failover' || verb === 'show' || verb === 'quit') {
    expectEnd(rest);
    return { kind: verb };
  }
  throw new ScriptError(
    `"${verb}" is no command: ${[...instanceVerbs, 'failover', 'wait', 'say', 'show', 'quit'].join(', ')}`,
  );
}

function parseWait(words: readonly string[], instances: number): Command {
  const at = words.indexOf('within');
  const seconds = at < 0 ? defaultPatience : positive(words[at + 1], 'a number of seconds behind "within"');
  if (at >= 0) expectEnd(words.slice(at + 2));
  const [kind, argument, ...more] = at < 0 ? words : words.slice(0, at);
  expectEnd(more);
  return { kind: 'wait', condition: parseCondition(kind, argument, instances), seconds };
}

function parseCondition(
  kind: string | undefined,
  argument: string | undefined,
  instances: number,
): Condition {
  switch (kind) {
    case 'healthy':
      expectEnd(argument === undefined ? [] : [argument]);
      return { kind };
    case 'primary':
      return { kind, target: parseTarget(argument ?? 'primary', instances) };
    case 'down':
      return { kind, target: parseTarget(argument, instances) };
    case 'rows':
      return { kind, count: positive(argument, 'a number of rows') };
    case 'silence':
      return { kind, seconds: positive(argument, 'a number of seconds') };
    default:
      throw new ScriptError('wait for what? healthy, primary [N], down N, rows N or silence SECONDS');
  }
}

function parseTarget(word: string | undefined, instances: number): Target {
  if (word === 'primary') return word;
  const number = Number(word);
  if (Number.isInteger(number) && number >= 1 && number <= instances) return number;
  throw new ScriptError(`which instance? 1 to ${instances}, or primary`);
}

function positive(word: string | undefined, what: string): number {
  const value = Number(word);
  if (word !== undefined && Number.isFinite(value) && value > 0) return value;
  throw new ScriptError(`expected ${what}`);
}

function expectEnd(words: readonly string[]): void {
  if (words.length > 0) throw new ScriptError(`"${words.join(' ')}" is too much`);
}

function isInstanceVerb(word: string): word is InstanceVerb {
  return (instanceVerbs as readonly string[]).includes(word);
}
