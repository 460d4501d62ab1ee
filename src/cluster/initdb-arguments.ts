import type { FirstBoot } from './first-boot.ts';

/** Letters of initdb's options that take a value, of all majors (initdb.c, its getopt string). */
const lettersWithValue = 'ADELTUXc';

interface Taken {
  readonly letter: string | undefined;
  readonly name: string;
  /** What to use instead. */
  readonly instead: string;
  /** Whether the manager itself gives it, or could not make a database with it. */
  readonly isTaken: (plan: FirstBoot) => boolean;
}

const always = () => true;
const makesNothing = 'leave it out: with it initdb makes no database';
const taken: readonly Taken[] = [
  { letter: 'D', name: 'pgdata', instead: 'use PGDATA or --pg-data', isTaken: always },
  { letter: 'U', name: 'username', instead: 'use POSTGRES_USER', isTaken: always },
  {
    letter: 'W',
    name: 'pwprompt',
    instead: 'use POSTGRES_PASSWORD_FILE: nobody can be asked',
    isTaken: always,
  },
  {
    letter: undefined,
    name: 'pwfile',
    instead: 'use POSTGRES_PASSWORD_FILE alone',
    isTaken: ({ password }) => password !== undefined,
  },
  {
    letter: 'X',
    name: 'waldir',
    instead: 'use POSTGRES_INITDB_WALDIR alone',
    isTaken: ({ walDirectory }) => walDirectory !== undefined,
  },
  { letter: 's', name: 'show', instead: makesNothing, isTaken: always },
  { letter: 'S', name: 'sync-only', instead: makesNothing, isTaken: always },
  { letter: 'V', name: 'version', instead: makesNothing, isTaken: always },
  { letter: '?', name: 'help', instead: makesNothing, isTaken: always },
];

/** An argument of the user for initdb that contradicts ours, with what to do instead; undefined: there is none. */
export function whyNotInitdbArguments(plan: FirstBoot): string | undefined {
  const words = plan.initdbArguments;
  for (let at = 0; at < words.length && words[at] !== '--'; at += 1) {
    const word = words[at] ?? '';
    const { letters, hasNext } = shortOptions(word);
    const found = taken.find((one) => one.isTaken(plan) && isIn(one, word, letters));
    if (found !== undefined) return `the argument ${word} of initdb: ${found.instead}`;
    if (hasNext) at += 1;
  }
  return undefined;
}

function isIn({ letter, name }: Taken, word: string, letters: string): boolean {
  if (letter !== undefined && letters.includes(letter)) return true;
  // initdb takes the beginning of a name for the name.
  const [, long] = /^--([^=]+)/.exec(word) ?? [];
  return long !== undefined && name.startsWith(long);
}

/** Letters of a word such as `-kD`, up to the first that takes a value, and whether that is the next word. */
function shortOptions(word: string): { readonly letters: string; readonly hasNext: boolean } {
  if (!/^-[^-]/.test(word)) return { letters: '', hasNext: false };
  const end = [...word].findIndex((letter, at) => at > 0 && lettersWithValue.includes(letter));
  if (end < 0) return { letters: word.slice(1), hasNext: false };
  return { letters: word.slice(1, end + 1), hasNext: end === word.length - 1 };
}
