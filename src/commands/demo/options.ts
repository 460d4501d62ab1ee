import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly isHelp: boolean;
  /** Lines of text instead of a screen. */
  readonly isPlain: boolean;
  /** A file, `-` for standard input, or `default`. */
  readonly script: string | undefined;
  /** A Markdown file that gets the recording. */
  readonly record: string | undefined;
  readonly directory: string | undefined;
}

export const usage = `npm run demo -- [--plain] [--script FILE|default|-] [--record FILE] [--directory DIRECTORY]

  --plain       lines of text, one for each change, instead of a screen
  --script      carry out the commands in a file, of the built-in script, or of standard input
  --record      write what was shown between the two marker comments of a Markdown file
  --directory   where everything is made (default: .local/demo); must be empty or an earlier demo's

Commands of a script, one a line:
  promote N     a planned switchover        fence N, unfence N   its server shall not run
  kill N        kill -9 of all processes    freeze N, thaw N     SIGSTOP and SIGCONT of its manager
  start N       start its manager           stop N               stop its manager in order
  failover      to the most advanced standby, when the primary does not answer
  wait healthy | primary [N] | down N | rows COUNT | silence SECONDS [within SECONDS]
  say TEXT      show                        quit
N is 1, 2, 3, or the word primary.
`;

/** @throws TypeError of node:util for what is no option */
export function parseOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      help: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
      script: { type: 'string' },
      record: { type: 'string' },
      directory: { type: 'string' },
    },
  });
  const { help, plain, script, record, directory } = values;
  return { isHelp: help, isPlain: plain || record !== undefined, script, record, directory };
}
